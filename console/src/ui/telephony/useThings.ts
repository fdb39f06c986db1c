import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import '../../i18n/telephonyProblems';
import { promptWords } from '../../i18n/zh-CN/promptWords';
import { readAll } from '../settings/SettingsList';

/** The prompts that every centre has. */
export const DEFAULT_PROMPTS = Object.keys(promptWords).sort();

/** A list by its names, where one may see it; empty until it is there. */
function useNames(key: string, isAllowed: boolean, load: () => Promise<string[]>): string[] {
  const query = useQuery({ queryKey: ['names', key], queryFn: load, enabled: isAllowed, staleTime: 5_000 });
  return query.data ?? [];
}

/** What there is in this centre that settings name. */
export function useThings() {
  const may = useMay();
  const uploaded = useNames('prompts', may('prompts.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/prompts', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const queues = useNames('queues', may('queues.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/queues', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const hours = useNames('hours', may('hours.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/hours', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const surveys = useNames('surveys', may('surveys.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/surveys', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const rooms = useNames('rooms', may('rooms.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/rooms', { params: { query } })));
    return rows.map(({ number }) => number);
  });
  const flows = useNames('flows', may('flows.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/flows', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const extensions = useNames('extensions', may('extensions.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/extensions', { params: { query } })));
    return rows.map(({ number }) => number);
  });
  const agents = useNames('agents', may('agents.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/agents', { params: { query } })));
    return rows.map(({ agent }) => agent);
  });
  const trunks = useNames('trunks', may('trunks.read'), async () => {
    const { rows } = await readAll((query) => ask(api.GET('/api/v1/trunks', { params: { query } })));
    return rows.map(({ name }) => name);
  });
  const prompts = [...new Set([...uploaded, ...DEFAULT_PROMPTS])];
  return { prompts, uploaded, queues, hours, surveys, rooms, flows, extensions, agents, trunks };
}
