import { Problem, type ProblemBody } from './problem';

/** Saves what is at an address as a file, by the name that the server gives it; tells what is in its way, as a link does not. */
export async function save(address: string, name: string): Promise<void> {
  const answer = await fetch(address).catch(() => {
    throw new Problem(0, undefined);
  });
  if (!answer.ok) {
    const body = (await answer.json().catch(() => undefined)) as ProblemBody | undefined;
    throw new Problem(answer.status, body);
  }
  const named = /filename="([^"]+)"/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = named ?? name;
  link.click();
  URL.revokeObjectURL(link.href);
}
