import {
  ArrowLeftOutlined,
  CloudUploadOutlined,
  ExperimentOutlined,
  HistoryOutlined,
  PictureOutlined,
  PlusOutlined,
  RedoOutlined,
  UndoOutlined,
} from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, App, Badge, Button, Dropdown, Input, Popover, Space, Tag, Tooltip } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../api/client';
import { textOf } from '../api/problem';
import { useMay, useSession } from '../app/session';
import { moment } from '../format';
import { askTagged, ifMatch, type Tagged } from '../ui/settings/tagged';
import { useThings } from '../ui/telephony/useThings';
import { Canvas } from './Canvas';
import { useKindMenu } from './Exits';
import { exits, freeName, isRequired, lead, put, remove } from './exits';
import { useHistory } from './history';
import { type Flow, fresh, type Kind, OPEN } from './model';
import { NodePanel } from './NodePanel';
import { Simulate } from './Simulate';
import { type Fault, type Saving, useDraft } from './useDraft';
import { useFaultWords } from './useFaultWords';
import { walked } from './walked';
import './flow.css';

type Shown = Schemas['FlowShown'];
type Version = Schemas['FlowVersionShown'];
type Panel = { kind: 'node'; name: string } | { kind: 'simulation' } | { kind: 'none' };

/** Draws a flow, says what is wrong with it, tries and publishes it (IVR-03). */
export function FlowEditor({ read, close }: { read: Tagged<Shown>; close: () => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const may = useMay();
  const things = useThings();
  const [about, setAbout] = useState(read.value);
  const begin = about.flow as unknown as Flow;
  const isLocked = read.value.read_only || !may('flows.write');
  const { flow, change, undo, redo } = useHistory(begin);
  const draft = useDraft({ flow: begin, etag: read.etag, faults: read.value.problems }, flow, isLocked);
  const [panel, setPanel] = useState<Panel>({ kind: 'none' });
  const [lines, setLines] = useState<Schemas['SimulatedLine'][]>();
  const [version, setVersion] = useState<Version>();
  const seen = version ? (version.flow as unknown as Flow) : flow;
  const canChange = !isLocked && !version;
  const faults = version ? [] : draft.faults;
  const choose = (name: string | undefined) => setPanel(name ? { kind: 'node', name } : { kind: 'none' });
  useUndoKeys(canChange ? undo : undefined, canChange ? redo : undefined);

  const add = (kind: Kind, from?: { name: string; slot: string }) => {
    const name = freeName(flow, kind);
    const source = from && flow.nodes[from.name];
    let node = fresh(kind, things);
    const led = source && exits(source).find(({ slot }) => slot === from.slot)?.to;
    const on = exits(node).find(({ slot }) => isRequired(node, slot));
    // Put into a way, it leads on to where that led.
    if (led && led !== OPEN && on) node = lead(node, on.slot, led);
    const grown = put(flow, name, node);
    change(source ? put(grown, from.name, lead(source, from.slot, name)) : grown);
    choose(name);
  };
  const connect = (from: string, slot: string, to: string | undefined) => {
    const node = flow.nodes[from];
    if (node) change(put(flow, from, lead(node, slot, to)));
  };
  const takeOut = (name: string) => {
    change(remove(flow, name));
    setPanel({ kind: 'none' });
  };
  return (
    <div className="flow-editor">
      <Head
        {...{ about, setAbout, flow, draft, faults, canChange, isLocked, choose, close, version, setVersion }}
        title={(title) => change({ ...flow, title })}
        {...(canChange ? { undo, redo, add } : {})}
        simulate={() => setPanel(panel.kind === 'simulation' ? { kind: 'none' } : { kind: 'simulation' })}
      />
      {read.value.read_only && <Alert showIcon type="info" title={t('settings.provisioned')} />}
      {version && (
        <Alert
          showIcon
          type="info"
          title={t('flow.versionSeen', { number: version.number, at: moment(version.published_at, zone) })}
          action={
            <Space>
              {!isLocked && (
                <Button
                  size="small"
                  onClick={() => {
                    change(version.flow as unknown as Flow);
                    setVersion(undefined);
                  }}
                >
                  {t('flow.restore')}
                </Button>
              )}
              <Button size="small" onClick={() => setVersion(undefined)}>
                {t('flow.backToDraft')}
              </Button>
            </Space>
          }
        />
      )}
      <div className="flow-body">
        <Canvas
          flow={seen}
          faulty={new Set(faults.flatMap(({ node }) => (node ? [node] : [])))}
          chosen={panel.kind === 'node' ? panel.name : undefined}
          choose={choose}
          walk={
            lines && panel.kind === 'simulation'
              ? walked(
                  seen,
                  lines.map(({ node }) => node),
                )
              : undefined
          }
          {...(canChange ? { remove: takeOut, connect } : {})}
        />
        {panel.kind === 'node' && seen.nodes[panel.name] && (
          <NodePanel
            key={panel.name}
            {...{ flow: seen, things, zone, canChange, change, choose, connect }}
            name={panel.name}
            faults={faults}
            remove={takeOut}
            add={(slot, kind) => add(kind, { name: panel.name, slot })}
            close={() => setPanel({ kind: 'none' })}
          />
        )}
        {panel.kind === 'simulation' && (
          <aside className="flow-panel" aria-label={t('flow.simulate')}>
            <Simulate
              {...{ flow: seen, lines, setLines }}
              save={isLocked || version ? async () => true : draft.save}
              choose={choose}
            />
          </aside>
        )}
      </div>
    </div>
  );
}

/** Undo and redo by the keyboard, but where text is typed. */
function useUndoKeys(undo: (() => void) | undefined, redo: (() => void) | undefined): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isText = event.target instanceof Element && event.target.closest('input, textarea');
      if (isText || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
      event.preventDefault();
      if (event.shiftKey) redo?.();
      else undo?.();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [undo, redo]);
}

interface HeadGiven {
  about: Shown;
  setAbout: (about: Shown) => void;
  flow: Flow;
  draft: ReturnType<typeof useDraft>;
  faults: Fault[];
  canChange: boolean;
  isLocked: boolean;
  choose: (name: string | undefined) => void;
  close: () => void;
  title: (title: string) => void;
  undo?: (() => void) | undefined;
  redo?: (() => void) | undefined;
  add?: (kind: Kind) => void;
  simulate: () => void;
  version: Version | undefined;
  setVersion: (version: Version | undefined) => void;
}

function Head(given: HeadGiven) {
  const { t } = useTranslation();
  const { about, flow, draft, faults, canChange, close } = given;
  const kinds = useKindMenu((kind) => given.add?.(kind));
  return (
    <div className="flow-head">
      <Button type="text" icon={<ArrowLeftOutlined />} aria-label={t('flow.back')} onClick={close} />
      <Input
        aria-label={t('flow.title')}
        placeholder={flow.name}
        value={flow.title ?? ''}
        maxLength={128}
        disabled={!canChange}
        variant="filled"
        onChange={(event) => given.title(event.target.value)}
        title={flow.name}
        style={{ width: 168 }}
      />
      {about.published ? (
        <Tag color="success">{t('flow.publishedAs', { number: about.published })}</Tag>
      ) : (
        <Tag>{t('flow.neverPublished')}</Tag>
      )}
      {canChange && <Told saving={draft.saving} />}
      <span style={{ flex: 1 }} />
      {canChange && (
        <Space.Compact>
          <Tooltip title={t('flow.undo')}>
            <Button
              aria-label={t('flow.undo')}
              icon={<UndoOutlined />}
              disabled={!given.undo}
              onClick={() => given.undo?.()}
            />
          </Tooltip>
          <Tooltip title={t('flow.redo')}>
            <Button
              aria-label={t('flow.redo')}
              icon={<RedoOutlined />}
              disabled={!given.redo}
              onClick={() => given.redo?.()}
            />
          </Tooltip>
        </Space.Compact>
      )}
      {canChange && (
        <Dropdown trigger={['click']} menu={kinds}>
          <Button icon={<PlusOutlined />}>{t('flow.addStep')}</Button>
        </Dropdown>
      )}
      <Faults faults={faults} choose={given.choose} />
      <Versions {...given} />
      <Button icon={<ExperimentOutlined />} onClick={given.simulate}>
        {t('flow.simulate')}
      </Button>
      {canChange && <Publish {...given} />}
    </div>
  );
}

function Told({ saving }: { saving: Saving }) {
  const { t } = useTranslation();
  const bad = saving.kind === 'refused' || saving.kind === 'overtaken' || saving.kind === 'failed';
  const text = saving.kind === 'failed' ? saving.text : t(`flowSaving.${saving.kind}`);
  return (
    <Tag color={bad ? 'error' : saving.kind === 'saved' ? 'default' : 'processing'} data-testid="saving">
      {text}
    </Tag>
  );
}

function Faults({ faults, choose }: { faults: Fault[]; choose: (name: string | undefined) => void }) {
  const { t } = useTranslation();
  const faultWords = useFaultWords();
  if (faults.length === 0) return null;
  const list = (
    <ul className="flow-faults">
      {faults.map(({ node, what }) => (
        <li key={`${node} ${what}`}>
          <Button type="link" size="small" disabled={!node} onClick={() => choose(node ?? undefined)}>
            {node ?? t('flow.whole')}
          </Button>
          {faultWords(what)}
        </li>
      ))}
    </ul>
  );
  return (
    <Popover trigger="click" placement="bottomRight" title={t('flow.problems')} content={list}>
      <Badge count={faults.length} size="small">
        <Button danger>{t('flow.problems')}</Button>
      </Badge>
    </Popover>
  );
}

function Versions({ about, flow, setVersion }: HeadGiven) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const see = async (number: number) => {
    try {
      const path = { name: flow.name, number };
      setVersion(await ask(api.GET('/api/v1/flows/{name}/versions/{number}', { params: { path } })));
    } catch (error) {
      void message.error(textOf(error));
    }
  };
  const all = Array.from({ length: about.published ?? 0 }, (_, nth) => (about.published ?? 0) - nth);
  const items = [
    ...all.slice(0, 20).map((number) => ({
      key: number,
      icon: <HistoryOutlined />,
      label: t('flow.version', { number }),
      onClick: () => void see(number),
    })),
    {
      key: 'picture',
      icon: <PictureOutlined />,
      label: (
        <a href={`/api/v1/flows/${flow.name}/picture`} download={`${flow.name}.svg`}>
          {t('flow.picture')}
        </a>
      ),
    },
  ];
  return (
    <Dropdown trigger={['click']} menu={{ items }}>
      <Button icon={<HistoryOutlined />} aria-label={t('flow.versions')} title={t('flow.versions')} />
    </Dropdown>
  );
}

function Publish({ flow, about, setAbout, draft, faults }: HeadGiven) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [isBusy, setIsBusy] = useState(false);
  const isNew = draft.saving.kind !== 'saved' || about.has_draft;
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    if (draft.saving.kind !== 'saved') setTouched(true);
  }, [draft.saving.kind]);
  const publish = async () => {
    setIsBusy(true);
    try {
      if (!(await draft.save())) throw new Error(t('flow.notSavedYet'));
      const asked = api.POST('/api/v1/flows/{name}/publish', {
        ...ifMatch(draft.etag()),
        params: { path: { name: flow.name } },
      });
      const { value, etag } = await askTagged(asked);
      draft.published(etag);
      setAbout(value);
      setTouched(false);
      void message.success(t('flow.publishedNow', { number: value.published }));
      void queries.invalidateQueries({ queryKey: ['flows'] });
    } catch (error) {
      void message.error(textOf(error));
    }
    setIsBusy(false);
  };
  return (
    <Button
      type="primary"
      icon={<CloudUploadOutlined />}
      loading={isBusy}
      disabled={faults.length > 0 || !(isNew || touched)}
      onClick={() => void publish()}
    >
      {t('flow.publish')}
    </Button>
  );
}
