import { AlertFilled, WarningFilled } from '@ant-design/icons';
import { theme } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Level } from '../../desk/limits';

/** A figure that asks for attention as its level says: by its colour, by a sign and in words. */
export function Figure({ level, children }: { level: Level; children: ReactNode }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  if (level === 'fine') return <span data-testid="fine">{children}</span>;
  const isAlarm = level === 'alarm';
  const label = t(`board.${level}`);
  return (
    <span
      data-testid={level}
      style={{ color: isAlarm ? token.colorErrorText : token.colorWarningText, fontWeight: 600 }}
    >
      {isAlarm ? <AlertFilled aria-label={label} title={label} /> : <WarningFilled aria-label={label} title={label} />}{' '}
      {children}
    </span>
  );
}
