import { AudioMutedOutlined, AudioOutlined, LockOutlined, UnlockOutlined } from '@ant-design/icons';
import { App, Button, Drawer, InputNumber, Space, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { Nothing } from '../../ui/States';
import { useAct } from '../../ui/settings/orders';

type Conference = Schemas['ConferenceShown'];
type Member = Schemas['MemberShown'];

const LISTS = [['conferences']];

/** Who is in a room now: locked, recorded, muted, made louder, sent away, ended. */
export function Conference({
  number,
  conference,
  close,
}: {
  number: string;
  conference: Conference | undefined;
  close: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Drawer open size={820} title={t('room.liveOf', { number })} onClose={close}>
      {conference ? <Live number={number} conference={conference} /> : <Nothing text={t('room.nobody')} />}
    </Drawer>
  );
}

function Live({ number, conference }: { number: string; conference: Conference }) {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const act = useAct();
  const canControl = may('conferences.control');
  const params = { path: { number } };
  const order = (done: string, what: () => Promise<unknown>) => void act(what, done, LISTS);
  const sure = (title: string, what: () => Promise<unknown>) =>
    modal.confirm({
      title,
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      okButtonProps: { danger: true },
      onOk: () => act(what, title, LISTS),
    });
  return (
    <Space orientation="vertical" style={{ width: '100%' }}>
      <Space wrap>
        <Button
          icon={conference.locked ? <UnlockOutlined /> : <LockOutlined />}
          disabled={!canControl}
          onClick={() =>
            conference.locked
              ? order(t('room.unlock'), () => ask(api.POST('/api/v1/conferences/{number}/unlock', { params })))
              : order(t('room.lock'), () => ask(api.POST('/api/v1/conferences/{number}/lock', { params })))
          }
        >
          {t(conference.locked ? 'room.unlock' : 'room.lock')}
        </Button>
        <Button
          disabled={!canControl}
          onClick={() =>
            conference.recording
              ? order(t('room.stopRecording'), () =>
                  ask(api.POST('/api/v1/conferences/{number}/record/stop', { params })),
                )
              : order(t('room.beginRecording'), () => ask(api.POST('/api/v1/conferences/{number}/record', { params })))
          }
        >
          {t(conference.recording ? 'room.stopRecording' : 'room.beginRecording')}
        </Button>
        <Button
          danger
          disabled={!canControl}
          onClick={() => sure(t('room.end'), () => ask(api.POST('/api/v1/conferences/{number}/end', { params })))}
        >
          {t('room.end')}
        </Button>
        {conference.locked && <Tag color="error">{t('room.locked')}</Tag>}
        {conference.recording && <Tag color="red">{t('bar.recording')}</Tag>}
        <span style={{ opacity: 0.65 }}>{t('room.since', { at: moment(conference.started_at, zone) })}</span>
      </Space>
      <Table<Member>
        size="small"
        pagination={false}
        rowKey={({ call }) => call}
        dataSource={conference.members}
        columns={[
          { title: t('records.number'), render: (_, member) => member.number || member.peer_name },
          { title: t('room.role'), render: (_, { role }) => t(`roomRole.${role}`) },
          { title: t('room.joined'), render: (_, { joined_at }) => moment(joined_at, zone) },
          {
            title: t('room.standing'),
            render: (_, { muted, held }) => (
              <>
                {muted && <Tag color="warning">{t('room.muted')}</Tag>}
                {held && <Tag>{t('bar.hold')}</Tag>}
              </>
            ),
          },
          {
            title: t('room.gain'),
            render: (_, member) => <Gain number={number} member={member} disabled={!canControl} />,
          },
          {
            title: t('common.operation'),
            render: (_, member) => {
              const one = { params: { path: { number, id: member.call } } };
              return (
                <Space size={0}>
                  <Button
                    type="link"
                    size="small"
                    disabled={!canControl}
                    icon={member.muted ? <AudioOutlined /> : <AudioMutedOutlined />}
                    onClick={() =>
                      member.muted
                        ? order(t('bar.unmute'), () =>
                            ask(api.POST('/api/v1/conferences/{number}/members/{id}/unmute', one)),
                          )
                        : order(t('bar.mute'), () =>
                            ask(api.POST('/api/v1/conferences/{number}/members/{id}/mute', one)),
                          )
                    }
                  >
                    {t(member.muted ? 'bar.unmute' : 'bar.mute')}
                  </Button>
                  <Button
                    danger
                    type="link"
                    size="small"
                    disabled={!canControl}
                    onClick={() =>
                      sure(t('room.kickWho', { number: member.number || member.peer_name }), () =>
                        ask(api.POST('/api/v1/conferences/{number}/members/{id}/kick', one)),
                      )
                    }
                  >
                    {t('room.kick')}
                  </Button>
                </Space>
              );
            },
          },
        ]}
      />
    </Space>
  );
}

function Gain({ number, member, disabled }: { number: string; member: Member; disabled: boolean }) {
  const { t } = useTranslation();
  const act = useAct();
  const set = (gain_db: number) =>
    act(
      () =>
        ask(
          api.PATCH('/api/v1/conferences/{number}/members/{id}', {
            params: { path: { number, id: member.call } },
            body: { gain_db },
          }),
        ),
      t('settings.saved'),
      LISTS,
    );
  return (
    <InputNumber
      key={member.gain_db}
      size="small"
      aria-label={t('room.gain')}
      min={-60}
      max={12}
      precision={0}
      suffix="dB"
      changeOnBlur
      defaultValue={member.gain_db}
      disabled={disabled}
      onBlur={({ target }) => {
        const gain = Number.parseInt(target.value, 10);
        if (Number.isInteger(gain) && gain !== member.gain_db) void set(gain);
      }}
      style={{ width: 92 }}
    />
  );
}
