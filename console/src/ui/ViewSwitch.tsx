import { Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSession } from '../app/session';
import { useDesk } from '../desk/store';

export type View = 'all' | 'mine';

/** Which view is shown (GEN-08): an agent begins with his own data. Who is no employee has none. */
export function useView(): { view: View; choose: (view: View) => void; hasMine: boolean } {
  const hasMine = Boolean(useSession().employee);
  const isAgent = useDesk(({ desk }) => Boolean(desk?.agent));
  const [chosen, choose] = useState<View>();
  return { view: chosen ?? (hasMine && isAgent ? 'mine' : 'all'), choose, hasMine };
}

/** All data, my data. */
export function ViewSwitch({ view, choose }: { view: View; choose: (view: View) => void }) {
  const { t } = useTranslation();
  return (
    <Segmented<View>
      style={{ alignSelf: 'flex-start' }}
      value={view}
      onChange={choose}
      options={[
        { value: 'mine', label: t('missed.mine') },
        { value: 'all', label: t('missed.allData') },
      ]}
    />
  );
}
