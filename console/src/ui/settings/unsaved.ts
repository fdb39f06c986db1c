import { App } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'react-router';

/** What may have been typed and not saved, by the tab that it stands in. */
const changed = new Map<() => boolean, string>();

window.addEventListener('beforeunload', (event) => {
  if ([...changed.keys()].some((isChanged) => isChanged())) event.preventDefault();
});

/** Whether closing this tab would lose something. */
export function isUnsaved(path: string): boolean {
  return [...changed].some(([isChanged, at]) => at === path && isChanged());
}

/** The tab is closed. */
export function forget(path: string): void {
  for (const [isChanged, at] of changed) if (at === path) changed.delete(isChanged);
}

/** Asks before the browser leaves a page, or its tab is closed, while something was typed. */
export function useUnsaved(isChanged: () => boolean): void {
  const [path] = useState(useLocation().pathname);
  useEffect(() => {
    changed.set(isChanged, path);
    return () => {
      // A tab that is only hidden keeps what was typed in it.
      if (window.location.pathname === path) changed.delete(isChanged);
    };
  }, [isChanged, path]);
}

/** Asks whether what was typed may be lost, then does it. */
export function useDiscard(): (then: () => void) => void {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  return useCallback(
    (then) => {
      modal.confirm({
        title: t('settings.unsavedTitle'),
        content: t('settings.unsaved'),
        okText: t('settings.discard'),
        cancelText: t('settings.stay'),
        okButtonProps: { danger: true },
        onOk: then,
      });
    },
    [modal, t],
  );
}
