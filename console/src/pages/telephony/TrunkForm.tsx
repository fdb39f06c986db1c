import { Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay } from '../../app/session';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { Line, Num, Pick, PromptField, Seconds, Section, Toggle } from '../../ui/telephony/fields';
import { useThings } from '../../ui/telephony/useThings';
import { filled, SLUG, tidy } from '../../ui/telephony/values';
import { TRUNK_LISTS } from './Trunks';

type Trunk = Schemas['TrunkShown'];
/** What the API has as parts that are there or not, a switch says. */
type NewTrunk = Schemas['NewTrunk'];
interface Values extends NewTrunk {
  registers?: boolean;
  watched?: boolean;
}

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
const CALLERS = ['extension', 'trunk', 'fixed', 'pass_through'] as const;
const RULES = ['called_out', 'caller_out', 'called_in', 'caller_in'] as const;

/** A trunk with its policy; a policy is replaced as a whole, so that all of it stands here. */
export function TrunkForm({ name, close }: { name: string | undefined; close: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const { prompts } = useThings();
  const path = { params: { path: { name: name ?? '' } } };
  return (
    <FormDrawer<Values, Trunk>
      size={760}
      title={name ? t('trunk.edit', { name }) : t('trunk.add')}
      lists={TRUNK_LISTS}
      identity="name"
      close={close}
      read={name ? () => askTagged(api.GET('/api/v1/trunks/{name}', path)) : undefined}
      locked={(trunk) =>
        trunk?.read_only
          ? t('settings.provisioned')
          : trunk && !may('trunks.write')
            ? t('problem.forbidden')
            : undefined
      }
      fill={(trunk) =>
        (trunk
          ? { ...trunk, registers: Boolean(trunk.policy.registration), watched: Boolean(trunk.policy.health) }
          : { transport: 'udp', enabled: true, policy: { caller: 'extension', patience_ms: 6000 } }) as Partial<Values>
      }
      save={(values, etag, trunk) => {
        const body = sent(values, trunk);
        return name
          ? ask(api.PATCH('/api/v1/trunks/{name}', { ...ifMatch(etag), ...path, body: tidied(body) }))
          : ask(api.POST('/api/v1/trunks', { body: filled(body) }));
      }}
    >
      {(form) => (
        <>
          <Section title={t('tel.basic')}>
            {name ? (
              <Form.Item label={t('trunk.name')}>{name}</Form.Item>
            ) : (
              <Line
                required
                name="name"
                label={t('trunk.name')}
                rules={[{ pattern: SLUG, message: t('flow.nameHint') }]}
                hint={t('tel.slug')}
              />
            )}
            <Toggle name="enabled" label={t('tel.enabled')} />
            <Line required name="host" label={t('trunk.host')} placeholder="sip.example.com" />
            <div className="form-grid" style={{ gap: 12 }}>
              <Num name="port" label={t('ext.port')} min={1} max={65_535} />
              <Pick
                name="transport"
                label={t('ext.transport')}
                options={TRANSPORTS.map((value) => ({ value, label: value.toUpperCase() }))}
              />
            </div>
            <Line name="username" label={t('trunk.user')} />
            <Form.Item name="password" label={t('ext.password')} extra={name && t('trunk.passwordHint')}>
              <Input.Password autoComplete="new-password" />
            </Form.Item>
            <Form.Item name="sources" label={t('trunk.sources')} extra={t('trunk.sourcesHint')}>
              <Select
                mode="tags"
                tokenSeparators={[',', ' ']}
                placeholder="192.0.2.0/24"
                open={false}
                suffixIcon={null}
              />
            </Form.Item>
            <Line name="caller_number" label={t('trunk.callerNumber')} placeholder="+861012345678" />
          </Section>
          <Section title={t('trunk.registration')}>
            <Toggle name="registers" label={t('trunk.registers')} hint={t('trunk.registersHint')} />
            <Shown form={form} when="registers">
              <Seconds
                name={['policy', 'registration', 'expires_ms']}
                label={t('trunk.expires')}
                min={60}
                max={86_400}
              />
              <Line name={['policy', 'registration', 'user']} label={t('trunk.registerUser')} />
              <Line name={['policy', 'registration', 'domain']} label={t('trunk.registerDomain')} />
            </Shown>
            <Toggle name="watched" label={t('trunk.watched')} hint={t('trunk.watchedHint')} />
            <Shown form={form} when="watched">
              <Seconds name={['policy', 'health', 'interval_ms']} label={t('trunk.interval')} min={5} max={3600} />
              <Num name={['policy', 'health', 'threshold']} label={t('trunk.threshold')} min={1} max={100} />
            </Shown>
          </Section>
          <Section title={t('trunk.numbers')}>
            <Pick
              name={['policy', 'caller']}
              label={t('trunk.shows')}
              options={CALLERS.map((value) => ({ value, label: t(`callerPolicy.${value}`) }))}
            />
            <Line name={['policy', 'caller_fixed']} label={t('trunk.fixedNumber')} />
            {RULES.map((rule) => (
              <Form.Item key={rule} name={['policy', rule]} label={t(`numberRule.${rule}`)} extra={t('trunk.ruleHint')}>
                <Select mode="tags" open={false} suffixIcon={null} placeholder="prefix 00 -> +" />
              </Form.Item>
            ))}
          </Section>
          <Section title={t('trunk.limits')}>
            <Num name={['policy', 'outbound', 'calls']} label={t('trunk.outCalls')} min={1} max={10_000} />
            <Num name={['policy', 'outbound', 'per_second']} label={t('trunk.outRate')} min={1} max={1000} />
            <Num name={['policy', 'inbound', 'calls']} label={t('trunk.inCalls')} min={1} max={10_000} />
            <Num name={['policy', 'inbound', 'per_second']} label={t('trunk.inRate')} min={1} max={1000} />
            <Pick
              name={['policy', 'when_full']}
              label={t('trunk.whenFull')}
              options={(['unavailable', 'busy'] as const).map((value) => ({ value, label: t(`whenFull.${value}`) }))}
            />
            <Seconds name={['policy', 'patience_ms']} label={t('trunk.patience')} min={1} max={32} />
            <Num
              name={['policy', 'priority']}
              label={t('trunk.priority')}
              min={0}
              max={65_535}
              hint={t('trunk.priorityHint')}
            />
            <Num name={['policy', 'weight']} label={t('trunk.weight')} min={0} max={65_535} />
            <Form.Item
              name={['policy', 'failover_codes']}
              label={t('trunk.failover')}
              extra={t('trunk.failoverHint')}
              normalize={(codes: (string | number)[]) => codes.map(Number).filter(Number.isInteger)}
            >
              <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} />
            </Form.Item>
          </Section>
          <Section title={t('tel.more')}>
            <Toggle name="trusted" label={t('trunk.trusted')} hint={t('trunk.trustedHint')} />
            <Toggle name="emergency" label={t('trunk.emergency')} />
            <Toggle name="record" label={t('trunk.record')} />
            <PromptField
              name={['policy', 'recording_announcement']}
              label={t('trunk.announcement')}
              prompts={prompts}
              hint={t('trunk.announcementHint')}
            />
            <Pick
              name={['policy', 'srtp']}
              label={t('tel.srtp')}
              options={(['optional', 'required'] as const).map((value) => ({ value, label: t(`srtp.${value}`) }))}
            />
          </Section>
        </>
      )}
    </FormDrawer>
  );
}

/** Fields that are there while a switch is on. */
function Shown({
  form,
  when,
  children,
}: {
  form: import('antd').FormInstance<Values>;
  when: 'registers' | 'watched';
  children: React.ReactNode;
}) {
  const isOn = Form.useWatch(when, form);
  return isOn ? children : <span />;
}

/** The policy as a whole: what is not in the form (header fields) stays as it was. */
function sent({ registers, watched, ...values }: Values, trunk: Trunk | undefined): Schemas['NewTrunk'] {
  const policy = values.policy as Schemas['TrunkPolicy'];
  const codes = policy.failover_codes;
  const lane = (of: Schemas['LanePolicy'] | undefined) => filled(of ?? {}) as Schemas['LanePolicy'];
  const whole = filled({
    ...policy,
    headers: trunk?.policy.headers ?? [],
    failover_codes: codes && codes.length > 0 ? codes : null,
    inbound: lane(policy.inbound),
    outbound: lane(policy.outbound),
    registration: registers ? (policy.registration ?? {}) : null,
    health: watched ? (policy.health ?? {}) : null,
  });
  return { ...values, policy: whole as Schemas['TrunkPolicy'] };
}

/** A password that is not typed stays; all else that is empty is taken away. */
function tidied({ password, policy, name: _, ...values }: Schemas['NewTrunk']): Schemas['TrunkChange'] {
  const change = { ...tidy(values), policy, ...(password ? { password } : {}) };
  return change as Schemas['TrunkChange'];
}
