import { MenuFoldOutlined, MenuUnfoldOutlined } from '@ant-design/icons';
import { Alert, Button, Dropdown, Layout, Menu, Skeleton, Tabs, theme } from 'antd';
import { Activity, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate } from 'react-router';
import { Announcer } from '../bar/Announcer';
import { ControlBar } from '../bar/ControlBar';
import { IncomingWindow } from '../bar/IncomingWindow';
import { followDesk, useDesk } from '../desk/store';
import { useEmergencyNotice } from '../pages/board/Emergencies';
import { useFirstRun } from '../pages/setup/firstRun';
import { register, usePhone } from '../phone/softphone';
import { Crash } from '../ui/Crash';
import { LookSwitch } from '../ui/LookSwitch';
import { Forbidden, Nothing } from '../ui/States';
import { forget, isUnsaved, useDiscard } from '../ui/settings/unsaved';
import { Messages } from './Messages';
import { type Group, SECTIONS } from './page';
import { GROUPS, idAt, isInMenu, PAGES, pageAt } from './pages';
import { prefer, usePreferences } from './preferences';
import { QuickMenu } from './QuickMenu';
import { may, useSession } from './session';
import { type Closing, closeTabs, closing, HOME, openTab, useTabs } from './tabs';
import { usePhoneKeeper } from './usePhoneKeeper';

const BAR_HEIGHT = 56;

/** The frame that every page stands in (section 33 of the requirements). */
export function Shell() {
  const session = useSession();
  const { token } = theme.useToken();
  const hasDesk = may(session, 'call.dial');
  useEffect(() => (hasDesk ? followDesk() : undefined), [hasDesk]);
  usePhoneKeeper();
  useFirstRun();
  useEmergencyNotice();
  return (
    <Layout className="frame">
      <Layout.Header
        style={{
          height: BAR_HEIGHT,
          lineHeight: 'normal',
          padding: '0 12px',
          background: token.colorBgContainer,
          borderBottom: `1px solid ${token.colorBorderSecondary}`,
          display: 'flex',
          alignItems: 'center',
          gap: 8,
        }}
      >
        <FoldButton />
        <ControlBar />
        <LookSwitch />
        <Messages />
        <QuickMenu />
      </Layout.Header>
      <Banners />
      <Layout style={{ minHeight: 0 }}>
        <Navigation />
        <Layout style={{ minWidth: 0 }}>
          <OpenTabs />
          <Layout.Content className="frame-content">
            <OpenPages />
          </Layout.Content>
        </Layout>
      </Layout>
      <IncomingWindow />
      <Announcer />
    </Layout>
  );
}

/** CALL-02. */
function useFolding(): { folded: boolean; fold: (folded: boolean) => void } {
  const { tenant, login } = useSession();
  const me = `${tenant} ${login}`;
  const foldedBy = usePreferences((preferences) => preferences.foldedBy);
  const others = foldedBy.filter((one) => one !== me);
  return { folded: foldedBy.includes(me), fold: (folded) => prefer({ foldedBy: folded ? [...others, me] : others }) };
}

function FoldButton() {
  const { t } = useTranslation();
  const { folded, fold } = useFolding();
  const label = folded ? t('frame.unfold') : t('frame.fold');
  return (
    <Button
      type="text"
      title={label}
      aria-label={label}
      icon={folded ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
      onClick={() => fold(!folded)}
    />
  );
}

/** Connections that are lost; a call that runs goes on. */
function Banners() {
  const { t } = useTranslation();
  const link = useDesk((seen) => seen.link);
  const registration = usePhone((phone) => phone.registration);
  if (link === 'lost') return <Alert banner type="error" title={t('frame.reconnecting')} />;
  if (registration.kind === 'lost') return <Alert banner type="warning" title={t('frame.phoneLost')} />;
  if (registration.kind === 'elsewhere') return <Elsewhere extension={registration.extension} />;
  if (registration.kind === 'connecting') return <Alert banner type="info" title={t('phone.registering')} />;
  if (registration.kind === 'refused')
    return <Alert banner closable type="error" title={t('phone.refused', { cause: registration.cause })} />;
  return null;
}

/** One page of a browser is the phone; the others show and control the call. */
function Elsewhere({ extension }: { extension: string }) {
  const { t } = useTranslation();
  const take = () => void register(extension).catch(() => undefined);
  return (
    <Alert
      banner
      type="info"
      title={t('frame.phoneElsewhere')}
      action={
        <Button size="small" onClick={take}>
          {t('frame.takePhone')}
        </Button>
      }
    />
  );
}

/** Settings are many and seldom wanted: they are open where one of them is. */
const OPEN: Group[] = ['assistant', 'monitoring'];

function Navigation() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const session = useSession();
  const { folded } = useFolding();
  const mine = PAGES.filter((page) => page.isFor(session) && isInMenu(page));
  const entry = (page: (typeof PAGES)[number]) => ({ key: page.path, icon: page.icon, label: t(`menu.${page.name}`) });
  const groups = GROUPS.flatMap(({ name, icon }) => {
    const pages = mine.filter((page) => page.group === name);
    if (pages.length === 0) return [];
    const sections = SECTIONS.flatMap((section) => {
      const children = pages.filter((page) => page.section === section).map(entry);
      return children.length > 0
        ? [{ key: section, type: 'group' as const, label: t(`menu.sections.${section}`), children }]
        : [];
    });
    const children = [...pages.filter((page) => !page.section).map(entry), ...sections];
    return [{ key: name, icon, label: t(`menu.${name}`), children }];
  });
  return (
    <Layout.Sider collapsed={folded} width={208} collapsedWidth={56} theme="light" style={{ overflow: 'auto' }}>
      <Menu
        mode="inline"
        aria-label={t('frame.main')}
        selectedKeys={[pageAt(pathname)?.path.replace('/:id', '') ?? '']}
        defaultOpenKeys={folded ? [] : [...OPEN, ...(pageAt(pathname)?.group === 'settings' ? ['settings'] : [])]}
        items={[...mine.filter((page) => !page.group).map(entry), ...groups]}
        onClick={({ key }) => navigate(key)}
        style={{ borderInlineEnd: 0, minHeight: '100%' }}
      />
    </Layout.Sider>
  );
}

/** Of calls, whose ULIDs differ at their ends, only that; names as they are. */
function shortId(path: string): string {
  const id = idAt(path);
  return id.length === ULID_LENGTH ? id.slice(-4) : id;
}
const ULID_LENGTH = 26;

const CLOSINGS: readonly Closing[] = ['this', 'others', 'right', 'all'];

function OpenTabs() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const { token } = theme.useToken();
  const open = useTabs((tabs) => tabs.open);
  const words: Record<Closing, string> = {
    this: t('frame.closeThis'),
    others: t('frame.closeOthers'),
    right: t('frame.closeRight'),
    all: t('frame.closeAll'),
  };
  const discard = useDiscard();
  const close = (path: string, how: Closing) => {
    const going = closing(path, how);
    const go = () => {
      going.forEach(forget);
      void navigate(closeTabs(path, how, pathname));
    };
    if (going.some(isUnsaved)) discard(go);
    else go();
  };
  const labelled = (path: string) => {
    const page = pageAt(path);
    if (!page) return [];
    const items = CLOSINGS.map((how) => ({
      key: how,
      label: words[how],
      disabled: how === 'this' && path === HOME,
      onClick: () => close(path, how),
    }));
    const label = (
      <Dropdown trigger={['contextMenu']} menu={{ items }}>
        <span>{isInMenu(page) ? t(`menu.${page.name}`) : `${t(`menu.${page.name}`)} ${shortId(path)}`}</span>
      </Dropdown>
    );
    return [{ key: path, label, closable: path !== HOME }];
  };
  return (
    <Tabs
      className="frame-tabs"
      type="editable-card"
      size="small"
      hideAdd
      activeKey={pathname}
      items={open.flatMap(labelled)}
      onChange={(path) => navigate(path)}
      onEdit={(path, action) => action === 'remove' && close(String(path), 'this')}
      style={{ background: token.colorBgContainer, paddingInline: 8, paddingTop: 4 }}
    />
  );
}

/** All open pages; those behind keep what was typed in them, and do nothing. */
function OpenPages() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const session = useSession();
  const open = useTabs((tabs) => tabs.open);
  const active = pageAt(pathname);
  const isMine = active?.isFor(session) ?? false;
  useEffect(() => {
    if (isMine) openTab(pathname);
  }, [isMine, pathname]);
  return (
    <>
      {!active && <Nothing text={t('problem.notFound')} />}
      {active && !isMine && <Forbidden />}
      {open.map((path) => {
        const page = pageAt(path);
        if (!page?.isFor(session)) return null;
        return (
          <Activity key={path} mode={path === pathname ? 'visible' : 'hidden'}>
            <Crash>
              <Suspense fallback={<Skeleton active />}>
                <page.draw path={path} />
              </Suspense>
            </Crash>
          </Activity>
        );
      })}
    </>
  );
}
