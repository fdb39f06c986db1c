import { Badge, Table, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Schemas } from '../api/client';
import { useMay, useSession } from '../app/session';
import { LOOKS } from '../flow/looks';
import type { Kind } from '../flow/model';
import { duration, timeOfDay } from '../format';
import { Nothing } from '../ui/States';
import type { CallDocument } from './findings';

type Step = Schemas['FlowStepShown'];

/** Which nodes of which flows the caller went through, what he pressed there and how he left them. */
export function FlowPath({ call }: { call: CallDocument }) {
  const { t, i18n } = useTranslation();
  const { time_zone: zone } = useSession();
  const steps = call.flow_path;
  if (steps.length === 0) return <Nothing text={t('detail.noFlow')} />;
  const known = (key: string, word: string) => (i18n.exists(key) ? String(t(key as 'common.ok')) : word);
  const exit = (label: string) => {
    if (/^[0-9*#]$/.test(label)) return t('flow.keyExit', { key: label });
    const [kind, nth] = label.split(' ');
    return kind === 'case' ? t('flow.caseExit', { nth, about: '' }) : known(`flowExit.${label}`, label);
  };
  const left = (step: Step) => {
    if (step.fault) return <Tag color="error">{known(`flowFault.${step.fault}`, step.fault)}</Tag>;
    return step.exit ? exit(step.exit) : null;
  };
  const pressed = ({ keys, typed }: Step) => keys || (typed ? t('detail.typed', { count: typed }) : '');
  const lasted = (at: number) => {
    const [here, next] = [steps[at], steps[at + 1]];
    return here && next ? duration(Date.parse(next.entered_at) - Date.parse(here.entered_at)) : '';
  };
  return (
    <div data-testid="flow-path">
      <Table<Step>
        size="small"
        pagination={steps.length > PAGE && { pageSize: PAGE, showSizeChanger: false }}
        scroll={{ x: 'max-content' }}
        rowKey={(step) => steps.indexOf(step)}
        dataSource={steps}
        columns={[
          { title: t('records.start'), render: (_, { entered_at }) => timeOfDay(entered_at, zone) },
          { title: t('menu.flows'), render: (_, step) => <FlowLink step={step} /> },
          {
            title: t('detail.node'),
            render: (_, step) => <NodeName step={step} kind={known(`flowStep.${step.step}`, step.step)} />,
          },
          { title: t('detail.pressed'), render: (_, step) => pressed(step) },
          { title: t('flow.exits'), render: (_, step) => left(step) },
          { title: t('states.lasted'), render: (_, step) => lasted(steps.indexOf(step)) },
        ]}
      />
    </div>
  );
}

/** Rows of a page; most ways are shorter. */
const PAGE = 50;

function FlowLink({ step: { flow, version } }: { step: Step }) {
  const { t } = useTranslation();
  const may = useMay();
  const name = may('flows.write') ? <Link to={`/settings/flows/${flow}`}>{flow}</Link> : flow;
  return (
    <>
      {name} <Tag>{t('flow.version', { number: version })}</Tag>
    </>
  );
}

function NodeName({ step: { node, step }, kind }: { step: Step; kind: string }) {
  return <Badge color={LOOKS[step as Kind]?.colour ?? '#d4380d'} text={[node, kind].filter(Boolean).join(' · ')} />;
}
