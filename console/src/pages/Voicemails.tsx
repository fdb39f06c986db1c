import { DeleteOutlined, DownloadOutlined, SoundOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Modal, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { save } from '../api/download';
import { textOf } from '../api/problem';
import { useSession } from '../app/session';
import { duration, moment, span, today } from '../format';
import { AudioPlayer } from '../ui/AudioPlayer';
import { Conditions } from '../ui/Conditions';
import { DataTable } from '../ui/DataTable';
import { ExportButton } from '../ui/ExportButton';
import { inMs, type Seconds, SecondsFields, TextField, type Timed, TimeField, typed, YesNoField } from '../ui/fields';
import { NumberLink } from '../ui/NumberLink';

type Voicemail = Schemas['VoicemailShown'];

/** Who listened or downloaded is written a moment after that, ms. */
const WRITTEN_MS = 1_000;

interface Wanted extends Timed, Seconds {
  caller?: string;
  callee?: string;
  mailbox?: string;
  listened?: boolean;
  downloaded?: boolean;
}

/** Messages that callers left (VM-01 to VM-06): the server shows those of one's own boxes, or of all. */
export function Voicemails() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const [form] = Form.useForm<Wanted>();
  const initial: Wanted = { time: today(zone) };
  const [wanted, setWanted] = useState<Wanted>(initial);
  const conditions = {
    ...span(wanted.time, zone),
    caller: typed(wanted.caller),
    callee: typed(wanted.callee),
    mailbox: typed(wanted.mailbox),
    listened: wanted.listened,
    downloaded: wanted.downloaded,
    length_min_ms: inMs(wanted.min),
    length_max_ms: inMs(wanted.max),
  };
  return (
    <div className="page">
      <Conditions
        form={form}
        initial={initial}
        ask={setWanted}
        extra={<ExportButton module="voicemails" conditions={conditions} />}
      >
        <TimeField label={t('voicemail.time')} />
        <TextField name="caller" label={t('records.caller')} />
        <TextField name="callee" label={t('records.callee')} />
        <TextField name="mailbox" label={t('voicemail.mailbox')} />
        <YesNoField name="listened" label={t('voicemail.listened')} />
        <YesNoField name="downloaded" label={t('voicemail.downloaded')} />
        <SecondsFields min={t('voicemail.lengthMin')} max={t('voicemail.lengthMax')} />
      </Conditions>
      <DataTable<Voicemail>
        name={['voicemails', conditions]}
        load={(page) => ask(api.GET('/api/v1/voicemails', { params: { query: { ...conditions, ...page } } }))}
        rowKey={({ id }) => id}
        columns={[
          { title: t('records.caller'), render: (_, { caller }) => <NumberLink number={caller} /> },
          { title: t('records.callee'), render: (_, { callee }) => <NumberLink number={callee} /> },
          { title: t('voicemail.mailbox'), dataIndex: 'mailbox' },
          { title: t('voicemail.time'), render: (_, { left_at }) => moment(left_at, zone) },
          { title: t('voicemail.length'), render: (_, { length_ms }) => duration(length_ms) },
          { title: t('voicemail.listened'), render: (_, row) => <FirstUse use={row.first_listened} /> },
          { title: t('voicemail.downloaded'), render: (_, row) => <FirstUse use={row.first_downloaded} /> },
          { title: t('common.operation'), fixed: 'right', render: (_, row) => <Actions row={row} /> },
        ]}
      />
    </div>
  );
}

/** Whether, and by whom and when first. */
function FirstUse({ use }: { use: Schemas['FirstUseShown'] | null | undefined }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  if (!use) return <Tag>{t('common.no')}</Tag>;
  return (
    <>
      <Tag color="success">{t('common.yes')}</Tag>
      <small style={{ opacity: 0.75 }}>{`${use.by} ${moment(use.at, zone)}`}</small>
    </>
  );
}

function Actions({ row }: { row: Voicemail }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [isOpen, setIsOpen] = useState(false);
  const look = () => void queries.invalidateQueries({ queryKey: ['voicemails'] });
  const changed = () => {
    look();
    setTimeout(look, WRITTEN_MS);
  };
  const heard = () => {
    setIsOpen(false);
    changed();
  };
  const run = (order: () => Promise<unknown>) => order().then(changed, (error) => void message.error(textOf(error)));
  const remove = () =>
    modal.confirm({
      title: t('voicemail.deleteAsk'),
      content: `${row.caller || t('bar.unknownCaller')} ${duration(row.length_ms)}`,
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      okButtonProps: { danger: true },
      onOk: () => run(() => ask(api.DELETE('/api/v1/voicemails/{id}', { params: { path: { id: row.id } } }))),
    });
  return (
    <Space size={0}>
      {row.audio ? (
        <>
          <Button
            type="link"
            size="small"
            aria-label={t('voicemail.listen')}
            icon={<SoundOutlined />}
            onClick={() => setIsOpen(true)}
          >
            {t('voicemail.listen')}
          </Button>
          <Button
            type="link"
            size="small"
            aria-label={t('records.download')}
            icon={<DownloadOutlined />}
            onClick={() => void run(() => save(`/api/v1/voicemails/${row.id}/file`, row.id))}
          >
            {t('records.download')}
          </Button>
        </>
      ) : (
        <span style={{ opacity: 0.65 }}>{t(`voicemailState.${row.state}`)}</span>
      )}
      <Button
        type="text"
        danger
        size="small"
        aria-label={t('voicemail.delete')}
        icon={<DeleteOutlined />}
        onClick={remove}
      />
      {isOpen && row.audio && (
        <Modal
          open
          closable={{ 'aria-label': t('common.close') }}
          title={t('voicemail.listen')}
          footer={null}
          width={640}
          onCancel={heard}
        >
          <AudioPlayer source={row.audio} lengthMs={row.length_ms} begins />
        </Modal>
      )}
    </Space>
  );
}
