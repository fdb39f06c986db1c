import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Select, Space, Switch, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { KEYS, type Spoken } from '../../flow/model';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Section } from '../../ui/telephony/fields';
import { SpokenInput } from '../../ui/telephony/SpokenInput';
import { SLUG } from '../../ui/telephony/values';

type Survey = Schemas['SurveyShown'];
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'changed'; name: string };
interface Question {
  prompt: Spoken[];
  options: { key: string; label: string }[];
}
interface Values {
  name: string;
  question: Question;
  asksSecond: boolean;
  second?: Question | null;
  takesComment: boolean;
  comment?: Spoken[] | null;
  thanks: Spoken[];
}

/** The usual answers, by their keys from 1 on. */
const USUAL = ['very', 'average', 'dissatisfied', 'service', 'handling'] as const;
const LISTS = [['surveys'], ['names', 'surveys']];

/** What customers are asked after a call (SURVEY-02). */
export function Surveys() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const canWrite = may('surveys.write');
  return (
    <div className="page">
      <SettingsList<Survey>
        name={['surveys']}
        load={(query) => ask(api.GET('/api/v1/surveys', { params: { query } }))}
        rowKey={({ name }) => name}
        searchIn={({ name }) => [name]}
        empty={t('surveySet.none')}
        add={canWrite ? { label: t('surveySet.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('surveySet.name'), dataIndex: 'name' },
          {
            title: t('surveySet.options'),
            render: (_, { question }) => (
              <Space size={4}>
                {(question as unknown as Question).options.map(({ key, label }) => (
                  <Tag key={key}>{`${key} ${label}`}</Tag>
                ))}
              </Space>
            ),
          },
          {
            title: t('surveySet.second'),
            render: (_, { second }) => t(second ? 'common.yes' : 'common.no'),
          },
          {
            title: t('surveySet.comment'),
            render: (_, { comment }) => t(comment ? 'common.yes' : 'common.no'),
          },
        ]}
        actions={({ name, read_only }) => [
          {
            label: t(read_only || !canWrite ? 'tel.see' : 'settings.edit'),
            act: () => setEdited({ kind: 'changed', name }),
          },
          ...(canWrite && !read_only
            ? [
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name,
                      remove: () => ask(api.DELETE('/api/v1/surveys/{name}', { params: { path: { name } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {edited.kind !== 'none' && (
        <Edit name={edited.kind === 'changed' ? edited.name : undefined} close={() => setEdited({ kind: 'none' })} />
      )}
    </div>
  );
}

function Edit({ name, close }: { name: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const path = { params: { path: { name: name ?? '' } } };
  const usual = USUAL.map((name, at) => ({ key: String(at + 1), label: t(`surveyUsual.${name}`) }));
  const begin = (survey: Survey | undefined): Partial<Values> => {
    const asked = survey as unknown as Values | undefined;
    return {
      question: { prompt: ['survey_invite'], options: usual },
      thanks: ['survey_thanks'],
      ...asked,
      asksSecond: Boolean(asked?.second),
      takesComment: Boolean(asked?.comment),
    };
  };
  return (
    <FormDrawer<Values, Survey>
      size={680}
      title={name ? t('surveySet.edit', { name }) : t('surveySet.add')}
      lists={LISTS}
      identity="name"
      close={close}
      read={name ? () => askTagged(api.GET('/api/v1/surveys/{name}', path)) : undefined}
      locked={(survey) =>
        survey?.read_only
          ? t('settings.provisioned')
          : survey && !may('surveys.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={begin}
      save={({ name: chosen, asksSecond, takesComment, second, comment, ...asked }, etag) => {
        const body = {
          ...asked,
          second: asksSecond ? second : null,
          comment: takesComment ? (comment ?? []) : null,
        } as unknown as Schemas['Asked'];
        return name
          ? ask(api.PUT('/api/v1/surveys/{name}', { ...ifMatch(etag), ...path, body }))
          : ask(api.POST('/api/v1/surveys', { body: { name: chosen, ...body } as Schemas['NewSurvey'] }));
      }}
    >
      {(form) => (
        <>
          {name ? (
            <Form.Item label={t('surveySet.name')}>{name}</Form.Item>
          ) : (
            <Line
              required
              name="name"
              label={t('surveySet.name')}
              rules={[{ pattern: SLUG, message: t('flow.nameHint') }]}
              hint={t('tel.slug')}
            />
          )}
          <Section title={t('surveySet.question')}>
            <Asked of="question" />
          </Section>
          <Section title={t('surveySet.second')}>
            <Form.Item name="asksSecond" valuePropName="checked">
              <Switch aria-label={t('surveySet.second')} />
            </Form.Item>
            <WhenOn form={form} field="asksSecond">
              <Asked of="second" />
            </WhenOn>
          </Section>
          <Section title={t('surveySet.end')}>
            <Form.Item
              name="takesComment"
              label={t('surveySet.comment')}
              extra={t('surveySet.commentHint')}
              valuePropName="checked"
            >
              <Switch />
            </Form.Item>
            <WhenOn form={form} field="takesComment">
              <Form.Item name="comment" label={t('surveySet.commentPrompt')} style={{ gridColumn: '1 / -1' }}>
                <SpokenInput label={t('surveySet.commentPrompt')} />
              </Form.Item>
            </WhenOn>
            <Form.Item name="thanks" label={t('surveySet.thanks')} style={{ gridColumn: '1 / -1' }}>
              <SpokenInput label={t('surveySet.thanks')} />
            </Form.Item>
          </Section>
        </>
      )}
    </FormDrawer>
  );
}

function WhenOn({
  form,
  field,
  children,
}: {
  form: import('antd').FormInstance<Values>;
  field: 'asksSecond' | 'takesComment';
  children: React.ReactNode;
}) {
  return Form.useWatch(field, form) ? children : null;
}

/** A question with its answers, 2 to 9. */
function Asked({ of }: { of: 'question' | 'second' }) {
  const { t } = useTranslation();
  return (
    <div style={{ gridColumn: '1 / -1' }}>
      <Form.Item
        name={[of, 'prompt']}
        label={t('surveySet.prompt')}
        rules={[{ required: true, type: 'array', min: 1, message: t('surveySet.promptRequired') }]}
      >
        <SpokenInput label={t('surveySet.prompt')} />
      </Form.Item>
      <Form.Item label={t('surveySet.options')} extra={t('surveySet.optionsHint')} required>
        <Form.List name={[of, 'options']}>
          {(fields, { add, remove }, { errors }) => (
            <Space orientation="vertical" style={{ width: '100%' }} size={6}>
              {fields.map(({ key, name }) => (
                <Space.Compact block key={key}>
                  <Form.Item noStyle name={[name, 'key']} rules={[{ required: true, message: t('surveySet.key') }]}>
                    <Select
                      aria-label={t('surveySet.key')}
                      options={KEYS.map((value) => ({ value, label: value }))}
                      style={{ width: 90, flex: 'none' }}
                    />
                  </Form.Item>
                  <Form.Item noStyle name={[name, 'label']} rules={[{ required: true, message: t('surveySet.label') }]}>
                    <Input aria-label={t('surveySet.label')} maxLength={64} />
                  </Form.Item>
                  <Button
                    aria-label={t('flow.takeOut')}
                    disabled={fields.length <= 2}
                    icon={<DeleteOutlined />}
                    onClick={() => remove(name)}
                  />
                </Space.Compact>
              ))}
              <Button
                size="small"
                icon={<PlusOutlined />}
                disabled={fields.length >= 9}
                onClick={() => add({ key: String(fields.length + 1), label: '' })}
              >
                {t('surveySet.addOption')}
              </Button>
              <Form.ErrorList errors={errors} />
            </Space>
          )}
        </Form.List>
      </Form.Item>
    </div>
  );
}
