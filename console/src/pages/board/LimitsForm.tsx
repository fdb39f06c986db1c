import { Form, InputNumber, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';
import { useSession } from '../../app/session';
import { FIGURES, type Figure, type Limits } from '../../desk/limits';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { askTagged, ifMatch } from '../../ui/settings/tagged';

type Values = { [Each in Figure]: { warn: number | null; alarm: number | null } };

const MOST: Record<Figure, number> = {
  waiting: 500_000,
  longest_wait_s: 86_400,
  abandoned_percent: 100,
  service_level_percent: 100,
};

/** From where on the figures of the boards ask for attention, for the whole enterprise. A figure without both is never marked. */
export function LimitsForm({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { tenant } = useSession();
  const params = { path: { id: tenant } };
  return (
    <FormDrawer<Values, Limits>
      title={t('board.limits')}
      close={close}
      lists={[]}
      size={420}
      read={async () => {
        const { value, etag } = await askTagged(api.GET('/api/v1/tenants/{id}', { params }));
        return { value: value.wallboard, etag };
      }}
      fill={(limits) => {
        const values = FIGURES.map((figure) => [figure, limits?.[figure] ?? { warn: null, alarm: null }]);
        return Object.fromEntries(values) as Values;
      }}
      save={(values, etag) => {
        const limits = FIGURES.map((figure) => {
          const { warn, alarm } = values[figure];
          return [figure, warn === null || alarm === null ? null : { warn, alarm }];
        });
        const body = { wallboard: Object.fromEntries(limits) as Limits };
        return ask(api.PATCH('/api/v1/tenants/{id}', { params, ...ifMatch(etag), body }));
      }}
    >
      {FIGURES.map((figure) => (
        <Space key={figure} align="start">
          {(['warn', 'alarm'] as const).map((mark) => (
            <Form.Item key={mark} name={[figure, mark]} label={`${t(`limit.${figure}`)} ${t(`board.${mark}`)}`}>
              <InputNumber min={0} max={MOST[figure]} precision={0} style={{ width: 170 }} />
            </Form.Item>
          ))}
        </Space>
      ))}
    </FormDrawer>
  );
}
