import { useQuery } from '@tanstack/react-query';
import { Form, Input, Skeleton, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { api, ask, type Schemas } from '../../api/client';
import { idAt } from '../../app/pages';
import { useMay, useSession } from '../../app/session';
import { FlowEditor } from '../../flow/FlowEditor';
import { type Flow, NAME } from '../../flow/model';
import { moment } from '../../format';
import { learnFlowProblems } from '../../i18n/flowProblems';
import { Answered } from '../../ui/States';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged } from '../../ui/settings/tagged';

type Listed = Schemas['FlowListed'];
learnFlowProblems();

/** The flows (IVR-03), and one of them drawn. */
export function Flows() {
  const [open, setOpen] = useState<string>();
  return open ? <Open name={open} close={() => setOpen(undefined)} /> : <List open={setOpen} />;
}

/** One flow, by a path that others link to. */
export function FlowDetail({ path }: { path: string }) {
  const navigate = useNavigate();
  return <Open name={idAt(path)} close={() => navigate('/settings/flows')} />;
}

function Open({ name, close }: { name: string; close: () => void }) {
  const query = useQuery({
    queryKey: ['flow', name],
    queryFn: () => askTagged(api.GET('/api/v1/flows/{name}', { params: { path: { name } } })),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.isPending) return <Skeleton active paragraph={{ rows: 8 }} />;
  return <Answered query={query}>{(read) => <FlowEditor read={read} close={close} />}</Answered>;
}

function List({ open }: { open: (name: string) => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const erase = useDelete();
  const [isAdding, setIsAdding] = useState(false);
  return (
    <div className="page">
      <SettingsList<Listed>
        name={['flows']}
        load={(query) => ask(api.GET('/api/v1/flows', { params: { query } }))}
        rowKey={(flow) => flow.name}
        searchIn={(flow) => [flow.name, flow.title]}
        empty={t('flow.none')}
        add={may('flows.write') ? { label: t('flow.add'), act: () => setIsAdding(true) } : undefined}
        columns={[
          { title: t('flow.name'), dataIndex: 'name' },
          { title: t('flow.title'), dataIndex: 'title' },
          { title: t('flow.state'), render: (_, flow) => <State flow={flow} /> },
          { title: t('tel.changedAt'), render: (_, { updated_at }) => moment(updated_at, zone) },
        ]}
        actions={(flow) => [
          { label: t(flow.read_only ? 'flow.see' : 'flow.draw'), act: () => open(flow.name) },
          {
            label: t('settings.delete'),
            danger: true,
            disabled: flow.read_only || !may('flows.write'),
            act: () =>
              erase({
                name: flow.title || flow.name,
                hint: t('flow.deleteHint'),
                remove: () => ask(api.DELETE('/api/v1/flows/{name}', { params: { path: { name: flow.name } } })),
                lists: [['flows']],
              }),
          },
        ]}
      />
      {isAdding && <Add close={() => setIsAdding(false)} made={open} />}
    </div>
  );
}

function State({ flow }: { flow: Listed }) {
  const { t } = useTranslation();
  return (
    <>
      {flow.published ? (
        <Tag color="success">{t('flow.publishedAs', { number: flow.published })}</Tag>
      ) : (
        <Tag>{t('flow.neverPublished')}</Tag>
      )}
      {flow.has_draft && <Tag color="warning">{t('flow.hasDraft')}</Tag>}
    </>
  );
}

/** A new flow begins with words of welcome and an end. */
function first(name: string, title: string | undefined): Flow {
  return {
    name,
    title: title ?? '',
    start: 'welcome',
    nodes: {
      welcome: { step: 'play', prompts: ['ivr_welcome'], next: 'end' },
      end: { step: 'hang_up', parts: ['ivr_goodbye'] },
    },
  };
}

function Add({ close, made }: { close: () => void; made: (name: string) => void }) {
  const { t } = useTranslation();
  return (
    <FormDrawer<{ name: string; title?: string }, undefined, Schemas['FlowShown']>
      title={t('flow.add')}
      lists={[['flows']]}
      identity="name"
      close={close}
      fill={() => ({})}
      save={async ({ name, title }) => {
        const params = { path: { name } };
        const is = await api.GET('/api/v1/flows/{name}', { params });
        if (is.response.ok) throw new Error(t('flow.exists', { name }));
        return ask(
          api.PUT('/api/v1/flows/{name}', { params, body: first(name, title) as unknown as Record<string, never> }),
        );
      }}
      saved={({ name }) => made(name)}
    >
      <Form.Item
        name="name"
        label={t('flow.name')}
        extra={t('flow.nameHint')}
        rules={[{ required: true }, { pattern: NAME, message: t('flow.nameHint') }]}
      >
        <Input autoFocus maxLength={64} />
      </Form.Item>
      <Form.Item name="title" label={t('flow.title')}>
        <Input maxLength={128} />
      </Form.Item>
    </FormDrawer>
  );
}
