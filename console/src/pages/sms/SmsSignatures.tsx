import { Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import '../../i18n/smsRefusals';
import { moment } from '../../format';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';

type Signature = Schemas['SmsSignature'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; signature: Signature };

const SIGNATURES = ['sms-signatures'];
const pathOf = ({ id }: Signature) => ({ params: { path: { id } } });

/** What stands before each text (SMS-08, SMS-09). */
export function SmsSignatures() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const mayWrite = may('sms.templates.write');
  const actions = (signature: Signature) => [
    { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', signature }) },
    {
      label: t('settings.delete'),
      danger: true,
      act: () =>
        erase({
          name: signature.name,
          remove: () => ask(api.DELETE('/api/v1/sms/signatures/{id}', pathOf(signature))),
          lists: [SIGNATURES],
        }),
    },
  ];
  const signature = edited.kind === 'changed' ? edited.signature : undefined;
  return (
    <div className="page">
      <SettingsList<Signature>
        name={SIGNATURES}
        load={() => ask(api.GET('/api/v1/sms/signatures'))}
        rowKey={({ id }) => id}
        searchIn={({ name, remark }) => [name, remark]}
        columns={[
          { title: t('sms.signatures.name'), dataIndex: 'name' },
          { title: t('sms.signatures.remark'), dataIndex: 'remark' },
          { title: t('sms.signatures.created'), render: (_, { created_at }) => moment(created_at, zone) },
        ]}
        add={mayWrite ? { label: t('sms.signatures.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        {...(mayWrite ? { actions } : {})}
      />
      {edited.kind !== 'none' && (
        <FormDrawer<Pick<Signature, 'name' | 'remark'>>
          title={signature ? t('sms.signatures.edit') : t('sms.signatures.add')}
          lists={[SIGNATURES]}
          identity="name"
          close={() => setEdited({ kind: 'none' })}
          fill={() => ({ name: signature?.name ?? '', remark: signature?.remark ?? '' })}
          save={(body) =>
            ask(
              signature
                ? api.PUT('/api/v1/sms/signatures/{id}', { ...pathOf(signature), body })
                : api.POST('/api/v1/sms/signatures', { body }),
            )
          }
        >
          <Form.Item
            name="name"
            label={t('sms.signatures.name')}
            extra={t('sms.signatures.nameHint')}
            rules={[{ required: true, whitespace: true, max: 20 }]}
          >
            <Input autoFocus />
          </Form.Item>
          <Form.Item name="remark" label={t('sms.signatures.remark')} rules={[{ max: 200 }]}>
            <Input.TextArea autoSize={{ minRows: 1, maxRows: 4 }} maxLength={200} showCount />
          </Form.Item>
        </FormDrawer>
      )}
    </div>
  );
}
