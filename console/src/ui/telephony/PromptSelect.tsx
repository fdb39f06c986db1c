import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { promptWords } from '../../i18n/zh-CN/promptWords';
import { DEFAULT_PROMPTS } from './useThings';

const isDefault = (name: string): name is keyof typeof promptWords => DEFAULT_PROMPTS.includes(name);

/** A prompt by its name, with what the default ones say. Used as a field of a form, it is given `id`, `value` and `onChange`. */
export function PromptSelect({
  prompts,
  label,
  value,
  onChange,
  id,
  clearable = false,
}: {
  prompts: readonly string[];
  label: string;
  value?: string | null;
  onChange?: (value: string | null) => void;
  id?: string;
  clearable?: boolean;
}) {
  const { t } = useTranslation();
  const words = (name: string) => (isDefault(name) ? t(`promptWords.${name}`) : '');
  const known = !value || prompts.includes(value) ? prompts : [value, ...prompts];
  const option = (name: string) => ({ value: name, label: name, words: words(name) });
  return (
    <Select
      {...(id ? { id } : {})}
      showSearch={{
        filterOption: (typed, one) => `${one?.value} ${one?.words}`.includes(typed),
      }}
      allowClear={clearable}
      aria-label={label}
      value={value ?? undefined}
      placeholder={clearable ? t('tel.none') : t('flow.choose')}
      popupMatchSelectWidth={360}
      options={[...known.filter((name) => !isDefault(name)), ...known.filter(isDefault)].map(option)}
      optionRender={({ data }) => (
        <div>
          {data.value}
          <div style={{ opacity: 0.6, fontSize: 12, whiteSpace: 'normal' }}>{data.words}</div>
        </div>
      )}
      onChange={(next: string | undefined) => onChange?.(next ?? null)}
      style={{ width: '100%' }}
    />
  );
}
