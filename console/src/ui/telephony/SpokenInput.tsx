import { SaysParts } from '../../flow/fields';
import type { Spoken } from '../../flow/model';
import { useThings } from './useThings';

/** What is said, as a field of a form. */
export function SpokenInput({
  label,
  value = [],
  onChange,
}: {
  label: string;
  value?: Spoken[] | null;
  onChange?: (value: Spoken[]) => void;
}) {
  const { prompts } = useThings();
  return <SaysParts label={label} value={value ?? []} prompts={prompts} change={(parts) => onChange?.(parts)} />;
}
