import { useQuery } from '@tanstack/react-query';
import { App, Button, Form, Input, Modal, Radio, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { textOf } from '../api/problem';
import { prefer, usePreferences } from '../app/preferences';
import { wayOf } from '../desk/model';
import { signInMobile, signInPhone, signOutPhone } from '../desk/orders';
import { useDesk } from '../desk/store';
import { hint } from './hint';

type Chosen = 'web' | 'desk' | 'mobile';
interface Filled {
  way: Chosen;
  extension?: string;
  mobile?: string;
}

/** The way and the extension to sign in with, again without a new login (PHONE-01, PHONE-04, PHONE-07). */
export function SignInDialog({ me, first, close }: { me: string; first?: Chosen; close: () => void }) {
  const { t } = useTranslation();
  const { way, extension } = usePreferences();
  const [form] = Form.useForm<Filled>();
  const [failed, setFailed] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const initial: Chosen = first ?? (way === 'none' ? 'web' : way);
  const chosen = Form.useWatch('way', form) ?? initial;
  const { message } = App.useApp();
  // PHONE-07: the number of the personal settings, unless another one is named.
  const { data: own } = useQuery({
    queryKey: ['me'],
    queryFn: () => ask(api.GET('/api/v1/me')),
    enabled: chosen === 'mobile',
  });
  useEffect(() => {
    if (own?.mobile && !form.isFieldTouched('mobile')) form.setFieldsValue({ mobile: own.mobile });
  }, [own, form]);
  const isIn = useDesk(({ desk }) => ['web', 'desk'].includes(wayOf(desk?.agent)));
  const leave = () => {
    signOutPhone(me)
      .then(close)
      .catch((error) => setFailed(textOf(error)));
  };
  const submit = async (filled: Filled) => {
    setIsBusy(true);
    setFailed(undefined);
    try {
      if (filled.way === 'mobile') {
        const number = filled.mobile?.trim() ?? '';
        await signInMobile(me, number);
        void message.success(number ? t('signIn.ringsAt', { number }) : t('signIn.ringsAtOwn'));
      } else {
        const now = wayOf(useDesk.getState().desk?.agent);
        if (now === 'web' || now === 'desk') await signOutPhone(me);
        await signInPhone(me, filled.way, filled.extension ?? '');
        prefer({ way: filled.way, extension: filled.extension?.trim() ?? '' });
      }
      hint(undefined);
      close();
    } catch (error) {
      setFailed(t('signIn.failed', { reason: textOf(error) }));
      setIsBusy(false);
    }
  };
  return (
    <Modal
      open
      title={t('signIn.title')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      confirmLoading={isBusy}
      onOk={() => form.submit()}
      onCancel={close}
      width={440}
      footer={(_, { OkBtn, CancelBtn }) => (
        <>
          {isIn && (
            <Button danger style={{ float: 'left' }} disabled={isBusy} onClick={leave}>
              {t('bar.signOut')}
            </Button>
          )}
          <CancelBtn />
          <OkBtn />
        </>
      )}
    >
      <Form<Filled> form={form} layout="vertical" initialValues={{ way: initial, extension }} onFinish={submit}>
        <Form.Item name="way" label={t('signIn.way')}>
          <Radio.Group
            block
            optionType="button"
            options={(['web', 'desk', 'mobile'] as const).map((value) => ({ value, label: t(`way.${value}`) }))}
          />
        </Form.Item>
        {chosen === 'mobile' ? (
          <Form.Item name="mobile" label={t('signIn.mobile')} extra={t('signIn.mobileHint')}>
            <Input inputMode="tel" autoComplete="off" />
          </Form.Item>
        ) : (
          <Form.Item name="extension" label={t('signIn.extension')} extra={t(`signIn.${chosen}`)}>
            <Input inputMode="numeric" autoComplete="off" placeholder={t('login.extensionHint')} />
          </Form.Item>
        )}
        {failed && <Typography.Text type="danger">{failed}</Typography.Text>}
      </Form>
    </Modal>
  );
}
