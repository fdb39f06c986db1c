import { useQuery, useQueryClient } from '@tanstack/react-query';
import { App, Avatar, Button, Card, Descriptions, Form, Input, Radio, Space, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { Problem, type ProblemBody, textOf } from '../api/problem';
import { Answered } from '../ui/States';
import { Told, useSubmit } from '../ui/settings/submit';
import { MobileDialog } from './MobileDialog';
import { PasswordForm } from './PasswordForm';

type Me = Schemas['Me'];
type Filled = Pick<Schemas['MyChange'], 'name' | 'nickname' | 'login' | 'after_call'>;

/** ORG-46. */
const PICTURE_BYTES = 1_048_576;

/** One's own settings (ORG-45, ORG-46). */
export function Me() {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['me'], queryFn: () => ask(api.GET('/api/v1/me')) });
  return (
    <Answered query={query}>
      {(me) => (
        <div className="page" style={{ maxWidth: 720 }}>
          <Card title={t('me.title')}>
            <Space align="start" size="large" wrap>
              <Settings me={me} />
              <Picture me={me} />
            </Space>
          </Card>
          <Card title={t('me.password')}>
            <PasswordForm />
          </Card>
        </div>
      )}
    </Answered>
  );
}

function Settings({ me }: { me: Me }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<Filled>();
  const [changesMobile, setChangesMobile] = useState(false);
  const { trouble, isBusy, submit } = useSubmit<Filled, Me, Me>(
    form,
    {
      save: (body) => ask(api.PATCH('/api/v1/me', { body })),
      saved: (saved) => queries.setQueryData(['me'], saved),
      lists: [],
    },
    undefined,
    me,
  );
  const required = { required: true, whitespace: true, message: t('me.required') };
  return (
    <Form<Filled>
      form={form}
      name="me"
      layout="vertical"
      style={{ width: 400 }}
      initialValues={{ name: me.name, nickname: me.nickname, login: me.login, after_call: me.after_call }}
      onFinish={submit}
    >
      <Told trouble={trouble} reload={() => void queries.invalidateQueries({ queryKey: ['me'] })} />
      <Descriptions
        size="small"
        column={1}
        style={{ marginBottom: 16 }}
        items={[
          { key: 'number', label: t('me.number'), children: me.number },
          { key: 'department', label: t('me.department'), children: me.department },
          { key: 'role', label: t('me.role'), children: me.role },
          { key: 'email', label: t('me.email'), children: me.email },
          {
            key: 'mobile',
            label: t('me.mobile'),
            children: (
              <Space>
                {me.mobile}
                <Button size="small" onClick={() => setChangesMobile(true)}>
                  {t('me.changeMobile')}
                </Button>
              </Space>
            ),
          },
        ]}
      />
      <Form.Item name="name" label={t('me.name')} rules={[required]}>
        <Input autoComplete="name" />
      </Form.Item>
      <Form.Item name="nickname" label={t('me.nickname')}>
        <Input autoComplete="nickname" />
      </Form.Item>
      <Form.Item name="login" label={t('me.login')} extra={t('me.loginHint')} rules={[required]}>
        <Input autoComplete="username" />
      </Form.Item>
      {me.after_call && (
        <Form.Item name="after_call" label={t('me.afterCall')} extra={t('me.afterCallHint')}>
          <Radio.Group options={(['wrap_up', 'ready'] as const).map((value) => ({ value, label: t(`me.${value}`) }))} />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" loading={isBusy}>
        {t('common.save')}
      </Button>
      {changesMobile && <MobileDialog close={() => setChangesMobile(false)} />}
    </Form>
  );
}

async function order(method: 'PUT' | 'DELETE', body?: File): Promise<void> {
  const headers = body ? { 'Content-Type': body.type } : undefined;
  const answer = await fetch('/api/v1/me/avatar', { method, body, headers } as RequestInit).catch(() => {
    throw new Problem(0, undefined);
  });
  if (!answer.ok) {
    throw new Problem(answer.status, (await answer.json().catch(() => undefined)) as ProblemBody | undefined);
  }
}

/** ORG-46: what is chosen is shown at once. */
function Picture({ me }: { me: Me }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [version, setVersion] = useState(0);
  const run = async (ordered: () => Promise<void>) => {
    try {
      await ordered();
      setVersion((before) => before + 1);
      await queries.invalidateQueries({ queryKey: ['me'] });
    } catch (error) {
      void message.error(textOf(error));
    }
  };
  const choose = (file: File) => {
    const isPicture = ['image/jpeg', 'image/png'].includes(file.type) && file.size <= PICTURE_BYTES;
    if (isPicture) void run(() => order('PUT', file));
    else void message.error(t('me.avatarBig'));
    return false;
  };
  return (
    <Space orientation="vertical" align="center">
      <Avatar size={112} src={me.avatar && `${me.avatar}?${version}`} alt={t('me.avatar')}>
        {me.name.slice(0, 1)}
      </Avatar>
      <Upload accept=".jpg,.jpeg,.png" showUploadList={false} beforeUpload={choose}>
        <Button>{t('me.upload')}</Button>
      </Upload>
      {me.avatar && (
        <Button type="link" size="small" onClick={() => void run(() => order('DELETE'))}>
          {t('me.avatarRemove')}
        </Button>
      )}
      <small style={{ opacity: 0.65 }}>{t('me.avatarHint')}</small>
    </Space>
  );
}
