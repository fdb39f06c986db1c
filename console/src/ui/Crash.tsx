import { Button, Result } from 'antd';
import { Component, type ReactNode } from 'react';
import { i18n } from '../i18n';

/** Keeps a page that fails from taking the frame, and a running call's buttons, with it. */
export class Crash extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <Result
        status="error"
        title={i18n.t('problem.crashed')}
        subTitle={this.state.error.message}
        extra={<Button onClick={() => this.setState({ error: undefined })}>{i18n.t('common.retry')}</Button>}
      />
    );
  }
}
