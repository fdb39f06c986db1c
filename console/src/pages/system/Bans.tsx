import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { moment } from '../../format';
import { useAct } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';

type Ban = Schemas['BanShown'];
const BANS = ['bans'] as const;

/** Addresses from which too many sign-ins of phones failed: refused for a while, and let in again by hand. */
export function Bans() {
  const { t } = useTranslation();
  const may = useMay();
  const { time_zone: zone } = useSession();
  const act = useAct();
  const lift = ({ address }: Ban) =>
    act(
      () => ask(api.DELETE('/api/v1/bans/{address}', { params: { path: { address } } })),
      t('bans.lifted', { address }),
      [BANS],
    );
  const actions = (ban: Ban) => [{ label: t('bans.lift'), act: () => void lift(ban) }];
  return (
    <div className="page">
      <SettingsList<Ban>
        name={BANS}
        load={(query) => ask(api.GET('/api/v1/bans', { params: { query } }))}
        rowKey={({ address }) => address}
        searchIn={({ address }) => [address]}
        empty={t('bans.none')}
        every={5_000}
        columns={[
          { title: t('bans.address'), dataIndex: 'address' },
          { title: t('bans.failures'), render: (_, { failures }) => <Tag color="error">{failures}</Tag> },
          { title: t('bans.until'), render: (_, { until }) => moment(until, zone) },
        ]}
        {...(may('bans.write') ? { actions } : {})}
      />
    </div>
  );
}
