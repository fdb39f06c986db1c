import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';
import { useMay } from '../app/session';

const LIMIT = 200;

/** What queues do: their numbers and how long they ring. */
export function useQueueRules() {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['queues'],
    queryFn: () => ask(api.GET('/api/v1/queues', { params: { query: { limit: LIMIT } } })),
    enabled: may('queues.read'),
    staleTime: 60_000,
  });
  return data?.items ?? [];
}
