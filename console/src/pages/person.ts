/** An agent as a row of the CRM has him: his name as it was then, and his employee number. */
export function personOf({ agent, agent_name }: { agent?: string | null; agent_name?: string | null }): string {
  if (!agent) return '';
  return agent_name ? `${agent_name} ${agent}` : agent;
}
