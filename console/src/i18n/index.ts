import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

export const LANGUAGES = ['zh-CN', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each by its own name, whatever is spoken now. */
export const LANGUAGE_NAMES: Record<Language, string> = { 'zh-CN': '简体中文', en: 'English' };

export const i18n = i18next.createInstance();

void i18n.use(initReactI18next).init({
  lng: 'zh-CN',
  fallbackLng: false,
  resources: {},
  interpolation: { escapeValue: false },
});

/** The words of a language are a file of their own: the entry has none. */
const WORDS: Record<Language, () => Promise<object>> = {
  'zh-CN': async () => (await import('./zh-CN')).zhCN,
  en: async () => (await import('./en')).en,
};

/** Changes the language at once; its words are loaded when it is first wanted. */
export async function speak(language: Language): Promise<void> {
  if (!i18n.hasResourceBundle(language, 'translation')) {
    i18n.addResourceBundle(language, 'translation', await WORDS[language]());
  }
  await i18n.changeLanguage(language);
  document.documentElement.lang = language;
}
