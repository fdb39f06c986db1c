import { App } from 'antd';
import { useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';

/** Asks before the browser leaves a page on which something was typed. */
export function useUnsaved(isChanged: () => boolean): void {
  useEffect(() => {
    const hold = (event: BeforeUnloadEvent) => {
      if (isChanged()) event.preventDefault();
    };
    window.addEventListener('beforeunload', hold);
    return () => window.removeEventListener('beforeunload', hold);
  }, [isChanged]);
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
