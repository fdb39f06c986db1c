import {
  AudioMutedOutlined,
  AudioOutlined,
  CheckCircleOutlined,
  CloseCircleOutlined,
  CustomerServiceOutlined,
  MessageOutlined,
  MobileOutlined,
  NumberOutlined,
  PauseCircleOutlined,
  PhoneOutlined,
  PlayCircleOutlined,
  QuestionCircleOutlined,
  StarOutlined,
  SwapOutlined,
  UsergroupAddOutlined,
} from '@ant-design/icons';
import { App, Button, type ButtonProps, Popover, Typography } from 'antd';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay, useSession } from '../app/session';
import { keyOf, type Shortcut, useShortcuts } from '../app/shortcuts';
import { otherSide, phaseOf, wayOf } from '../desk/model';
import { forCall, hangUp, signOutMobile } from '../desk/orders';
import { type Control, works } from '../desk/phases';
import { useDesk } from '../desk/store';
import { mute, usePhone } from '../phone/softphone';
import { CallDisplay } from './CallDisplay';
import { DialPad } from './DialPad';
import { useHint } from './hint';
import { Keypad } from './Keypad';
import { SignInDialog } from './SignInDialog';
import { StateSelector } from './StateSelector';
import { TargetDialog, type Targeting } from './TargetDialog';
import { useOrder } from './useOrder';

const SendSms = lazy(() => import('../pages/sms/SendSms').then(({ SendSms }) => ({ default: SendSms })));

/** The control bar of an agent (section 5 of the requirements), on every page. */
export function ControlBar() {
  const { t } = useTranslation();
  const session = useSession();
  const desk = useDesk((seen) => seen.desk);
  const [signingIn, setSigningIn] = useState<'any' | 'mobile'>();
  const me = session.employee ?? '';
  const agent = desk?.agent;
  useFailedCalls();
  if (!agent) return <div className="bar" />;
  const isOut = wayOf(agent) === 'out';
  return (
    <div className="bar" role="toolbar" aria-label={t('bar.label')}>
      {isOut ? (
        <div className="bar-buttons" style={{ alignItems: 'center' }}>
          <Button
            type="primary"
            aria-label={t('bar.signIn')}
            icon={<CustomerServiceOutlined />}
            onClick={() => setSigningIn('any')}
          >
            {t('bar.signIn')}
          </Button>
          <MobileButton me={me} signIn={() => setSigningIn('mobile')} />
          <Hint />
        </div>
      ) : (
        <Buttons me={me} signIn={setSigningIn} />
      )}
      <StateSelector agent={agent} me={me} />
      {signingIn && (
        <SignInDialog
          me={me}
          first={signingIn === 'mobile' ? 'mobile' : undefined}
          close={() => setSigningIn(undefined)}
        />
      )}
    </div>
  );
}

/** PHONE-04: why there are no controls yet. */
function Hint() {
  const { t } = useTranslation();
  const reason = useHint((hint) => hint.reason);
  if (reason === undefined) return null;
  return (
    <Typography.Text type="danger" ellipsis={{ tooltip: true }} style={{ minWidth: 0, flex: 1 }} role="alert">
      {t('login.phoneFailed', { reason })}
    </Typography.Text>
  );
}

type BarButtonProps = Omit<ButtonProps, 'children'> & { children: string; shortcut?: Shortcut };

/** Named by its word alone, not by its icon's. */
function BarButton({ children, shortcut, ...props }: BarButtonProps) {
  const title = shortcut && keyOf(shortcut);
  return (
    <Button type="text" aria-label={children} title={title} {...props} className="bar-button">
      {children}
    </Button>
  );
}

function MobileButton({ me, signIn }: { me: string; signIn: () => void }) {
  const { t } = useTranslation();
  const { isBusy, run } = useOrder();
  const agent = useDesk(({ desk }) => desk?.agent);
  const canNow = works('mobile', phaseOf(agent), false) && !isBusy;
  return wayOf(agent) === 'mobile' ? (
    <BarButton icon={<MobileOutlined />} disabled={!canNow} onClick={() => run(() => signOutMobile(me))}>
      {t('bar.mobileOut')}
    </BarButton>
  ) : (
    <BarButton icon={<MobileOutlined />} disabled={!canNow} onClick={signIn}>
      {t('bar.mobileIn')}
    </BarButton>
  );
}

function Buttons({ me, signIn }: { me: string; signIn: (what: 'any' | 'mobile') => void }) {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const { isBusy, run } = useOrder();
  const desk = useDesk((seen) => seen.desk);
  const line = usePhone((phone) => phone.line);
  const [target, setTarget] = useState<Targeting>();
  const phase = phaseOf(desk?.agent);
  const call = desk?.call?.id;
  const answered = desk?.call?.legs.every((leg) => leg.phase === 'up' || leg.phase === 'held') ?? false;
  const can = (control: Control) =>
    works(control, phase, answered, desk?.call?.survey) && !isBusy && call !== undefined;
  const order = (control: Control, ordered: (call: string) => Promise<unknown>) => ({
    disabled: !can(control),
    onClick: () => call && run(() => ordered(call)),
  });
  const isInCall = phase !== 'none' || line.kind === 'calling' || line.kind === 'up';
  const threeWay = () => (phase === 'consulting' ? call && run(() => forCall.threeWay(call)) : setTarget('threeWay'));
  // CALL-23: who was added last leaves the other two alone.
  const isThird = desk?.call?.legs.at(2)?.peer_name === desk?.agent?.signed_in_on;
  const endThree = () =>
    modal.confirm({
      title: t('bar.threeWayCancel'),
      content: isThird ? t('target.threeWayLeaves') : t('target.threeWayEnds'),
      okText: t('common.ok'),
      cancelText: t('common.cancel'),
      onOk: () => call && run(() => forCall.threeWayCancel(call)),
    });
  const hold = phase === 'held' ? order('retrieve', forCall.retrieve) : order('hold', forCall.hold);
  const end = { disabled: !isInCall || isBusy, onClick: () => run(() => hangUp(call)) };
  useShortcuts({
    hangUp: end.disabled ? undefined : end.onClick,
    hold: hold.disabled ? undefined : hold.onClick,
    transfer: can('transfer') ? () => setTarget('transfer') : undefined,
    consult: can('consult') ? () => setTarget('consult') : undefined,
  });
  return (
    <>
      {isInCall && phase !== 'ringing' ? (
        <CallDisplay desk={desk} phase={phase} />
      ) : (
        <DialPad disabled={phase !== 'none'} />
      )}
      <div className="bar-buttons">
        <BarButton danger icon={<PhoneOutlined rotate={225} />} shortcut="hangUp" {...end}>
          {t('bar.hangUp')}
        </BarButton>
        {phase === 'held' ? (
          <BarButton icon={<PlayCircleOutlined />} shortcut="hold" {...hold}>
            {t('bar.retrieve')}
          </BarButton>
        ) : (
          <BarButton icon={<PauseCircleOutlined />} shortcut="hold" {...hold}>
            {t('bar.hold')}
          </BarButton>
        )}
        <MuteButton />
        <KeysButton call={call} disabled={!can('dtmf')} />
        <BarButton
          icon={<SwapOutlined />}
          shortcut="transfer"
          disabled={!can('transfer')}
          onClick={() => setTarget('transfer')}
        >
          {t('bar.transfer')}
        </BarButton>
        {phase === 'consulting' ? (
          <>
            <BarButton icon={<CloseCircleOutlined />} {...order('consultCancel', forCall.consultCancel)}>
              {t('bar.consultCancel')}
            </BarButton>
            <BarButton icon={<CheckCircleOutlined />} {...order('consultComplete', forCall.consultComplete)}>
              {t('bar.consultComplete')}
            </BarButton>
          </>
        ) : (
          <BarButton
            icon={<QuestionCircleOutlined />}
            shortcut="consult"
            disabled={!can('consult')}
            onClick={() => setTarget('consult')}
          >
            {t('bar.consult')}
          </BarButton>
        )}
        {phase === 'three_way' ? (
          <BarButton icon={<CloseCircleOutlined />} disabled={!can('threeWayCancel')} onClick={endThree}>
            {t('bar.threeWayCancel')}
          </BarButton>
        ) : (
          <BarButton icon={<UsergroupAddOutlined />} disabled={!can('threeWay')} onClick={threeWay}>
            {t('bar.threeWay')}
          </BarButton>
        )}
        <BarButton icon={<StarOutlined />} {...order('survey', forCall.survey)}>
          {t('bar.survey')}
        </BarButton>
        <SmsButton />
        <MobileButton me={me} signIn={() => signIn('mobile')} />
        <BarButton icon={<CustomerServiceOutlined />} disabled={isInCall} onClick={() => signIn('any')}>
          {t('bar.signIn')}
        </BarButton>
      </div>
      {target && call && <TargetDialog kind={target} call={call} close={() => setTarget(undefined)} />}
    </>
  );
}

/** A message to anybody; during a call to the other side (CALL-27). */
function SmsButton() {
  const { t } = useTranslation();
  const may = useMay();
  const desk = useDesk((seen) => seen.desk);
  const [to, setTo] = useState<string>();
  if (!may('sms.send')) return null;
  const call = desk?.call;
  const number = call ? otherSide(call, desk?.agent?.signed_in_on) : '';
  return (
    <>
      <BarButton icon={<MessageOutlined />} onClick={() => setTo(number)}>
        {t('bar.sms')}
      </BarButton>
      {to !== undefined && (
        <Suspense>
          <SendSms to={to} close={() => setTo(undefined)} />
        </Suspense>
      )}
    </>
  );
}

/** The web phone's alone (CALL-29). */
function MuteButton() {
  const { t } = useTranslation();
  const line = usePhone((phone) => phone.line);
  const way = useDesk(({ desk }) => wayOf(desk?.agent));
  const isMuted = line.kind === 'up' && line.muted;
  useShortcuts({ mute: line.kind === 'up' ? () => mute(!isMuted) : undefined });
  if (way !== 'web') return null;
  return (
    <BarButton
      icon={isMuted ? <AudioMutedOutlined /> : <AudioOutlined />}
      shortcut="mute"
      disabled={line.kind !== 'up'}
      danger={isMuted}
      onClick={() => mute(!isMuted)}
    >
      {isMuted ? t('bar.unmute') : t('bar.mute')}
    </BarButton>
  );
}

/** Keys in a call (CALL-04). */
function KeysButton({ call, disabled }: { call: string | undefined; disabled: boolean }) {
  const { t } = useTranslation();
  const { run } = useOrder();
  const [pressed, setPressed] = useState('');
  const press = (key: string) => {
    setPressed((before) => before + key);
    if (call) run(() => forCall.press(call, key));
  };
  const pad = (
    <>
      <div style={{ minHeight: 24, textAlign: 'right', fontSize: 16, marginBottom: 8 }}>{pressed.slice(-16)}</div>
      <Keypad press={press} disabled={disabled} />
    </>
  );
  const button = (
    <BarButton icon={<NumberOutlined />} disabled={disabled}>
      {t('bar.keypad')}
    </BarButton>
  );
  if (disabled) return button;
  return (
    <Popover content={pad} trigger="click" onOpenChange={(isOpen) => isOpen && setPressed('')}>
      {button}
    </Popover>
  );
}

/** Says why what one dialled came to nothing. */
function useFailedCalls(): void {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const failed = usePhone(({ line }) => (line.kind === 'free' ? line.failed : undefined));
  useEffect(() => {
    if (failed === undefined) return;
    const known: Record<string, string> = {
      Busy: t('phone.busy'),
      'No Answer': t('phone.noAnswer'),
      Rejected: t('phone.rejected'),
      Unavailable: t('phone.unavailable'),
      'Not Found': t('phone.notFound'),
      'User Denied Media Access': t('phone.microphone'),
    };
    void message.warning(t('dial.failed', { cause: known[failed] ?? t('phone.other', { cause: failed }) }));
  }, [failed, message, t]);
}
