import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Form, Input, Modal, Segmented, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { inWords } from '../../api/problem';
import { useMay } from '../../app/session';
import '../../i18n/smsRefusals';
import { readAll } from '../../ui/settings/SettingsList';
import { explain } from '../../ui/settings/submit';
import { filled, numbersOf, placesOf } from './text';

export const MESSAGES = ['sms-messages'];
const NUMBERS_MAX = 50;
const TEXT_MAX = 500;

interface Filled {
  numbers: string;
  /** Only asked of who may write a text of his own: to others it is a template. */
  how?: 'template' | 'text';
  template?: string;
  parameters?: Record<string, string>;
  text?: string;
  signature?: string;
}

type Template = Schemas['SmsTemplate'];

/** Sends a message to one number or several (SMS-03, SMS-05); `to` is filled in, during a call with the other side's (CALL-27). */
export function SendSms({ to, close }: { to?: string; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const may = useMay();
  const queries = useQueryClient();
  const [form] = Form.useForm<Filled>();
  const [isBusy, setIsBusy] = useState(false);
  const [refused, setRefused] = useState<string>();
  const templates = useTemplates();
  const send = async ({ numbers, how, template, parameters, text, signature }: Filled) => {
    setIsBusy(true);
    setRefused(undefined);
    const said =
      how === 'text' ? { text, ...(signature ? { signature } : {}) } : { template, parameters: parameters ?? {} };
    try {
      const body = { numbers: numbersOf(numbers), ...said } as Schemas['SmsOrder'];
      const { items } = await ask(api.POST('/api/v1/sms/messages', { body }));
      tell(items);
      void queries.invalidateQueries({ queryKey: MESSAGES });
    } catch (error) {
      const trouble = await explain(form, error);
      setRefused(trouble.kind === 'refused' ? trouble.texts.join('\n') : undefined);
      setIsBusy(false);
    }
  };
  const tell = (items: Schemas['SmsMessage'][]) => {
    const held = items.filter(({ reason }) => reason !== '');
    const first = held[0];
    if (held.length < items.length) void message.success(t('sms.queued', { count: items.length - held.length }));
    if (!first) return close();
    setRefused(t('sms.refused', { count: held.length, reason: inWords(first.reason) }));
    setIsBusy(false);
  };
  return (
    <Modal
      open
      title={t('sms.send')}
      okText={t('sms.send')}
      cancelText={t('common.cancel')}
      confirmLoading={isBusy}
      onOk={() => form.submit()}
      onCancel={close}
    >
      {refused && <Alert showIcon type="error" title={refused} style={{ marginBottom: 16 }} />}
      <Form<Filled>
        form={form}
        layout="vertical"
        initialValues={{ numbers: to ?? '', how: 'template' }}
        onFinish={(values) => void send(values)}
      >
        <Form.Item
          name="numbers"
          label={t('sms.numbers')}
          extra={t('sms.numbersHint')}
          rules={[
            { required: true, whitespace: true, message: t('sms.numbersRequired') },
            {
              validator: async (_, text?: string) => {
                if (numbersOf(text ?? '').length > NUMBERS_MAX) throw new Error(t('sms.numbersHint'));
              },
            },
          ]}
        >
          <Input.TextArea autoFocus={!to} autoSize={{ minRows: 1, maxRows: 4 }} />
        </Form.Item>
        {may('sms.free_text') && (
          <Form.Item name="how" label={t('sms.how')}>
            <Segmented
              options={[
                { value: 'template', label: t('sms.template') },
                { value: 'text', label: t('sms.ownText') },
              ]}
            />
          </Form.Item>
        )}
        <Said templates={templates} />
      </Form>
    </Modal>
  );
}

function useTemplates(): Template[] | undefined {
  return useQuery({
    queryKey: ['sms-templates', 'approved'],
    queryFn: () =>
      readAll<Template>((page) =>
        ask(api.GET('/api/v1/sms/templates', { params: { query: { state: 'approved', ...page } } })),
      ),
  }).data?.rows;
}

function Said({ templates }: { templates: Template[] | undefined }) {
  const { t } = useTranslation();
  const how = Form.useWatch<Filled['how']>('how');
  const chosen = Form.useWatch<string | undefined>('template');
  const parameters = Form.useWatch<Filled['parameters']>('parameters') ?? {};
  if (how === 'text') return <OwnText />;
  const template = templates?.find(({ id }) => id === chosen);
  return (
    <>
      <Form.Item
        name="template"
        label={t('sms.template')}
        rules={[{ required: true, message: t('sms.templateRequired') }]}
      >
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          loading={!templates}
          notFoundContent={t('sms.noTemplates')}
          options={templates?.map(({ id, name }) => ({ value: id, label: name }))}
        />
      </Form.Item>
      {template &&
        placesOf(template.content).map((place) => (
          <Form.Item
            key={place}
            name={['parameters', place]}
            label={place}
            rules={[{ required: true, whitespace: true }]}
          >
            <Input maxLength={100} />
          </Form.Item>
        ))}
      {template && (
        <Form.Item label={t('sms.preview')}>
          <div className="sms-preview">{`【${template.signature_name}】${filled(template.content, parameters)}`}</div>
        </Form.Item>
      )}
    </>
  );
}

function OwnText() {
  const { t } = useTranslation();
  const signatures = useQuery({
    queryKey: ['sms-signatures'],
    queryFn: () => ask(api.GET('/api/v1/sms/signatures')),
  }).data?.items;
  return (
    <>
      <Form.Item
        name="text"
        label={t('sms.content')}
        rules={[{ required: true, whitespace: true, message: t('sms.textRequired') }]}
      >
        <Input.TextArea autoSize={{ minRows: 3, maxRows: 8 }} maxLength={TEXT_MAX} showCount />
      </Form.Item>
      <Form.Item name="signature" label={t('sms.signature')} rules={[{ required: true }]}>
        <Select
          loading={!signatures}
          notFoundContent={t('sms.noSignatures')}
          options={signatures?.map(({ id, name }) => ({ value: id, label: name }))}
        />
      </Form.Item>
    </>
  );
}
