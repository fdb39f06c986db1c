import { DownloadOutlined, SoundOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Modal, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../api/client';
import { useMay } from '../app/session';
import { AudioPlayer } from './AudioPlayer';
import { Answered, Nothing } from './States';

/** The ID at the end of `/api/v1/recordings/ID`. */
const idOf = (address: string) => address.slice(address.lastIndexOf('/') + 1);

/** Listen, and download next to it (REC-01, REC-02), for the addresses of recordings; each by its own permission (REC-05). */
export function RecordingButtons({ recordings }: { recordings: readonly string[] }) {
  const { t } = useTranslation();
  const may = useMay();
  const [isOpen, setIsOpen] = useState(false);
  if (recordings.length === 0) return <span style={{ opacity: 0.65 }}>{t('records.noRecording')}</span>;
  const [only] = recordings.length === 1 && may('recordings.download') ? recordings : [];
  return (
    <Space size={0}>
      {may('recordings.play') && (
        <Button
          type="link"
          size="small"
          aria-label={t('records.listen')}
          icon={<SoundOutlined />}
          onClick={() => setIsOpen(true)}
        >
          {t('records.listen')}
        </Button>
      )}
      {only && (
        <Button
          type="text"
          size="small"
          aria-label={t('records.download')}
          icon={<DownloadOutlined />}
          href={`${only}/file`}
          download
        />
      )}
      {isOpen && (
        <Modal
          open
          closable={{ 'aria-label': t('common.close') }}
          title={t('records.recording')}
          footer={null}
          width={640}
          onCancel={() => setIsOpen(false)}
        >
          <Space orientation="vertical" size="large" style={{ width: '100%' }}>
            {recordings.map((address, place) => (
              <Recording key={address} id={idOf(address)} begins={place === 0} />
            ))}
          </Space>
        </Modal>
      )}
    </Space>
  );
}

/** One recording with its player, or why there is nothing to hear. */
export function Recording({ id, begins = false }: { id: string; begins?: boolean }) {
  const { t } = useTranslation();
  const may = useMay();
  const knows = may('recordings.read');
  const query = useQuery({
    queryKey: ['recording', id],
    queryFn: () => ask(api.GET('/api/v1/recordings/{id}', { params: { path: { id } } })),
    enabled: knows,
  });
  const download = may('recordings.download') ? `/api/v1/recordings/${id}/file` : undefined;
  if (!may('recordings.play')) return <Nothing text={t('problem.forbidden')} />;
  if (!knows) return <AudioPlayer source={`/api/v1/recordings/${id}/audio`} download={download} begins={begins} />;
  return (
    <Answered query={query}>
      {({ audio, purged_at, duration_ms }) =>
        audio ? (
          <AudioPlayer source={audio} download={download} lengthMs={duration_ms} begins={begins} />
        ) : (
          <Nothing text={purged_at ? t('records.expired') : t('records.noRecording')} />
        )
      }
    </Answered>
  );
}
