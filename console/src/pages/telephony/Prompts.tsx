import { AutoComplete, Form, Input, Modal, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { duration, moment } from '../../format';
import { AudioPlayer } from '../../ui/AudioPlayer';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { DEFAULT_PROMPTS } from '../../ui/telephony/useThings';
import { SLUG } from '../../ui/telephony/values';
import { AudioInput } from './AudioInput';

type Prompt = Schemas['PromptShown'];
type Shown = { kind: 'none' } | { kind: 'new' } | { kind: 'replaced' | 'heard' | 'described'; prompt: Prompt };
interface Values {
  language: string;
  name: string;
  description?: string;
  audio: Blob;
}

const LISTS = [['prompts'], ['names', 'prompts']];
const LANGUAGES = ['zh-CN', 'en'] as const;
/** Music on hold is a prompt of this name. */
const MUSIC = 'hold_music';

/** A file goes as it is, not as JSON. */
const raw = (audio: Blob) => ({
  body: audio as unknown as number[],
  bodySerializer: () => audio,
  headers: { 'Content-Type': audio.type || 'audio/wav' },
});

/** Prompts and music of one's own: recorded here, or uploaded (IVR-04). */
export function Prompts() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const erase = useDelete();
  const [shown, setShown] = useState<Shown>({ kind: 'none' });
  const close = () => setShown({ kind: 'none' });
  const canWrite = may('prompts.write');
  return (
    <div className="page">
      <SettingsList<Prompt>
        name={['prompts']}
        load={(query) => ask(api.GET('/api/v1/prompts', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ name, description }) => [name, description]}
        empty={t('prompt.none')}
        add={canWrite ? { label: t('prompt.add'), act: () => setShown({ kind: 'new' }) } : undefined}
        columns={[
          { title: t('prompt.name'), dataIndex: 'name' },
          { title: t('prompt.language'), render: (_, { language }) => t(`language.${language as 'en'}`) },
          { title: t('prompt.description'), dataIndex: 'description' },
          { title: t('prompt.length'), render: (_, { duration_ms }) => duration(duration_ms) },
          { title: t('tel.changedAt'), render: (_, { updated_at }) => moment(updated_at, zone) },
        ]}
        actions={(prompt) => [
          { label: t('prompt.hear'), act: () => setShown({ kind: 'heard', prompt }) },
          ...(canWrite
            ? [
                { label: t('prompt.replace'), act: () => setShown({ kind: 'replaced', prompt }) },
                { label: t('prompt.describe'), act: () => setShown({ kind: 'described', prompt }) },
                {
                  label: t('settings.delete'),
                  danger: true,
                  act: () =>
                    erase({
                      name: prompt.name,
                      hint: t(DEFAULT_PROMPTS.includes(prompt.name) ? 'prompt.deleteDefault' : 'settings.deleteHint'),
                      remove: () => ask(api.DELETE('/api/v1/prompts/{id}', { params: { path: { id: prompt.id } } })),
                      lists: LISTS,
                    }),
                },
              ]
            : []),
        ]}
      />
      {shown.kind === 'new' && <Add close={close} />}
      {shown.kind === 'replaced' && <Replace prompt={shown.prompt} close={close} />}
      {shown.kind === 'described' && <Describe prompt={shown.prompt} close={close} />}
      {shown.kind === 'heard' && (
        <Modal open title={shown.prompt.name} footer={null} onCancel={close}>
          <AudioPlayer source={shown.prompt.audio} download={shown.prompt.audio} />
        </Modal>
      )}
    </div>
  );
}

function Add({ close }: { close: () => void }) {
  const { t, i18n } = useTranslation();
  const options = [MUSIC, ...DEFAULT_PROMPTS].map((value) => ({ value, label: value }));
  return (
    <FormDrawer<Values>
      title={t('prompt.add')}
      lists={LISTS}
      identity="name"
      close={close}
      fill={() => ({ language: i18n.language })}
      save={({ language, name, description, audio }) =>
        ask(
          api.POST('/api/v1/prompts', {
            ...raw(audio),
            params: { query: { language, name, ...(description ? { description } : {}) } },
          }),
        )
      }
    >
      <Form.Item name="language" label={t('prompt.language')} rules={[{ required: true }]}>
        <Segmented options={LANGUAGES.map((value) => ({ value, label: t(`language.${value}`) }))} />
      </Form.Item>
      <Form.Item
        name="name"
        label={t('prompt.name')}
        extra={t('prompt.nameHint')}
        rules={[{ required: true }, { pattern: SLUG, message: t('flow.nameHint') }]}
      >
        <AutoComplete options={options} />
      </Form.Item>
      <Form.Item name="audio" label={t('prompt.sound')} extra={t('prompt.soundHint')} rules={[{ required: true }]}>
        <AudioInput />
      </Form.Item>
      <Form.Item name="description" label={t('prompt.description')}>
        <Input maxLength={200} />
      </Form.Item>
    </FormDrawer>
  );
}

function Replace({ prompt: { id, name }, close }: { prompt: Prompt; close: () => void }) {
  const { t } = useTranslation();
  return (
    <FormDrawer<{ audio: Blob }>
      title={t('prompt.replaceOf', { name })}
      lists={LISTS}
      close={close}
      fill={() => ({})}
      save={({ audio }) => ask(api.PUT('/api/v1/prompts/{id}/audio', { ...raw(audio), params: { path: { id } } }))}
    >
      <Form.Item name="audio" label={t('prompt.sound')} extra={t('prompt.soundHint')} rules={[{ required: true }]}>
        <AudioInput />
      </Form.Item>
    </FormDrawer>
  );
}

function Describe({ prompt: { id, name }, close }: { prompt: Prompt; close: () => void }) {
  const { t } = useTranslation();
  const params = { path: { id } };
  return (
    <FormDrawer<{ description?: string }, Prompt>
      title={name}
      lists={LISTS}
      close={close}
      read={() => askTagged(api.GET('/api/v1/prompts/{id}', { params }))}
      fill={(prompt) => prompt ?? {}}
      save={({ description }, etag) =>
        ask(api.PATCH('/api/v1/prompts/{id}', { ...ifMatch(etag), params, body: { description: description ?? '' } }))
      }
    >
      <Form.Item name="description" label={t('prompt.description')}>
        <Input maxLength={200} />
      </Form.Item>
    </FormDrawer>
  );
}
