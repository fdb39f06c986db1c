import { useTranslation } from 'react-i18next';
import type { Words } from '../i18n/zh-CN';

/** What a module of tasks is called; one that these words do not know yet, by its own name. */
export function useModuleName(): (module: string) => string {
  const { t, i18n } = useTranslation();
  return (module) => (i18n.exists(`module.${module}`) ? t(`module.${module as keyof Words['module']}`) : module);
}
