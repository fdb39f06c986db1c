import { PhoneOutlined } from '@ant-design/icons';
import { Form, Input, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { prefer, type SignInWay, usePreferences } from '../app/preferences';

export interface PhoneFilled {
  way: SignInWay;
  extension?: string;
}

const WAYS: readonly SignInWay[] = ['web', 'desk', 'none'];

/** For the next sign-in in this browser, too. */
export function keep({ way, extension }: PhoneFilled): void {
  prefer({ way, extension: extension?.trim() ?? '' });
}

/** With which phone one takes calls (PHONE-01). */
export function PhoneFields() {
  const { t } = useTranslation();
  const { way } = usePreferences();
  const form = Form.useFormInstance<PhoneFilled>();
  const chosen = Form.useWatch('way', form) ?? way;
  return (
    <>
      <Form.Item name="way" label={t('login.way')}>
        <Radio.Group block optionType="button" options={WAYS.map((value) => ({ value, label: t(`way.${value}`) }))} />
      </Form.Item>
      {chosen !== 'none' && (
        <Form.Item name="extension" label={t('login.extension')}>
          <Input
            prefix={<PhoneOutlined />}
            placeholder={t('login.extensionHint')}
            inputMode="numeric"
            autoComplete="off"
          />
        </Form.Item>
      )}
    </>
  );
}
