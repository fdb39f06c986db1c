import { useQuery } from '@tanstack/react-query';
import { Button, Drawer, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { Answered } from '../../ui/States';
import { useDelete } from '../../ui/settings/orders';

const LIVE_MS = 5_000;

/** Those who are to be called back, and are taken back. */
export function Callbacks({ name, close }: { name: string; close: () => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const erase = useDelete();
  const path = { name };
  const query = useQuery({
    queryKey: ['queues', name, 'callbacks'],
    queryFn: () => ask(api.GET('/api/v1/queues/{name}', { params: { path } })),
    refetchInterval: LIVE_MS,
  });
  return (
    <Drawer open size={640} title={t('queueSet.callbacksOf', { name })} onClose={close}>
      <Answered query={query}>
        {({ now }) => (
          <Table
            size="small"
            pagination={false}
            rowKey={({ call }) => call}
            dataSource={now.callbacks}
            columns={[
              { title: t('records.number'), dataIndex: 'number' },
              { title: t('ext.since'), render: (_, { since }) => moment(since, zone) },
              { title: t('queueSet.attempts'), dataIndex: 'attempts' },
              {
                title: t('queueSet.now'),
                render: (_, { under_way }) => under_way && <Tag color="processing">{t('queueSet.underWay')}</Tag>,
              },
              {
                title: t('common.operation'),
                render: (_, { call, number }) => (
                  <Button
                    danger
                    type="link"
                    size="small"
                    disabled={!may('queues.write')}
                    onClick={() =>
                      erase({
                        name: number,
                        hint: t('queueSet.cancelHint'),
                        remove: () =>
                          ask(
                            api.DELETE('/api/v1/queues/{name}/callbacks/{call}', { params: { path: { name, call } } }),
                          ),
                        lists: [['queues']],
                      })
                    }
                  >
                    {t('common.cancel')}
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Answered>
    </Drawer>
  );
}
