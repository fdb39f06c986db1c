import { GlobalOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button, Dropdown, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { prefer, usePreferences } from '../app/preferences';
import { LANGUAGE_NAMES, LANGUAGES } from '../i18n';

/** Language and appearance: at once, without loading the page again. */
export function LookSwitch() {
  const { t } = useTranslation();
  const { language, theme } = usePreferences();
  const isDark = theme === 'dark';
  return (
    <>
      <Dropdown
        menu={{
          selectable: true,
          selectedKeys: [language],
          items: LANGUAGES.map((key) => ({
            key,
            label: LANGUAGE_NAMES[key],
            onClick: () => prefer({ language: key }),
          })),
        }}
      >
        <Button type="text" icon={<GlobalOutlined />} aria-label={t('frame.language')} />
      </Dropdown>
      <Tooltip title={`${t('frame.theme')}: ${isDark ? t('frame.dark') : t('frame.light')}`}>
        <Button
          type="text"
          aria-label={t('frame.theme')}
          icon={isDark ? <MoonOutlined /> : <SunOutlined />}
          onClick={() => prefer({ theme: isDark ? 'light' : 'dark' })}
        />
      </Tooltip>
    </>
  );
}
