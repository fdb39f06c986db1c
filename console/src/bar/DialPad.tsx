import { PhoneFilled } from '@ant-design/icons';
import { Button, Input, type InputRef, Popover, Space, Tooltip } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useShortcuts } from '../app/shortcuts';
import { Keypad } from './Keypad';
import { useDial } from './useDial';

/** The display box with the keypad below it (CALL-03, CALL-04): typed, pasted or clicked, then called. */
export function DialPad({ disabled }: { disabled: boolean }) {
  const { t } = useTranslation();
  const dial = useDial();
  const [typed, setTyped] = useState('');
  const [isOpen, setIsOpen] = useState(false);
  const box = useRef<InputRef>(null);
  useShortcuts({ number: disabled ? undefined : () => box.current?.focus() });
  const go = () => {
    if (dial(typed)) {
      setTyped('');
      setIsOpen(false);
    }
  };
  const pad = (
    <Space orientation="vertical">
      <Keypad press={(key) => setTyped((before) => before + key)} />
      <Space>
        <Button onClick={() => setTyped((before) => before.slice(0, -1))}>{t('bar.undo')}</Button>
        <Button onClick={() => setTyped('')}>{t('bar.clear')}</Button>
        <Button type="primary" aria-label={t('bar.dial')} icon={<PhoneFilled />} onClick={go} disabled={!typed}>
          {t('bar.dial')}
        </Button>
      </Space>
    </Space>
  );
  return (
    <Space.Compact className="bar-display">
      <Popover content={pad} trigger="click" open={isOpen && !disabled} onOpenChange={setIsOpen} placement="bottomLeft">
        <Input
          ref={box}
          value={typed}
          disabled={disabled}
          allowClear
          inputMode="tel"
          aria-label={t('bar.display')}
          placeholder={t('bar.numberHint')}
          onChange={({ target }) => setTyped(target.value)}
          onPressEnter={go}
        />
      </Popover>
      <Tooltip title={t('bar.dial')}>
        <Button
          type="primary"
          icon={<PhoneFilled />}
          aria-label={t('bar.dial')}
          disabled={disabled || !typed}
          onClick={go}
        />
      </Tooltip>
    </Space.Compact>
  );
}
