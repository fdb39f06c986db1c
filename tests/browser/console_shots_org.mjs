// The organisation and the system in the pictures of the console: what there is to see, and what opens over the pages.
export const PATHS = ['/employees', '/roles', '/tenant', '/blocks', '/tokens', '/webhooks', '/audit', '/bans', '/system', '/https'];

const WORDS = {
  'zh-CN': { addEmployee: '新建员工', addRole: '新建角色', edit: '编辑', detail: '详情', addToken: '新建令牌', addWebhook: '新建推送', block: '添加号码', import: '导入', delete: '删除', save: '保存', departments: '添加部门', by: '短信登录' },
  en: { addEmployee: 'New employee', addRole: 'New role', edit: 'Edit', detail: 'Details', addToken: 'New token', addWebhook: 'New webhook', block: 'Block a number', import: 'Import', delete: 'Delete', save: 'Save', departments: 'New department', by: 'Code by SMS' },
};

/** Makes what the pages show, once. */
export async function prepare(page, origin) {
  const api = async (method, path, data) => {
    const answer = await page.request.fetch(`${origin}/api/v1/${path}`, { method, data });
    return answer.ok() ? answer.json().catch(() => null) : Promise.reject(new Error(`${method} ${path}: ${await answer.text()}`));
  };
  const { items: departments } = await api('GET', 'departments');
  if (departments.length > 1) return;
  const root = departments[0].id;
  const sales = await api('POST', 'departments', { name: '销售部', parent: root, managers: ['10001'] });
  const north = await api('POST', 'departments', { name: '华北组', parent: sales.id });
  await api('POST', 'departments', { name: '华东组', parent: sales.id });
  const service = await api('POST', 'departments', { name: '客服部', parent: root });
  const role = await api('POST', 'roles', {
    name: '班长',
    description: '监听、强插、查看本部门的通话',
    permissions: ['call_records.read', 'calls.monitor', 'calls.barge', 'recordings.play', 'wallboard.read', 'agents.read'],
    fields: { 'call_records.caller': 'masked' },
    data: { scope: 'departments', own: true, departments: [service.id] },
  });
  const people = [['20001', '王芳', '小芳', north.id], ['20002', '李强', '阿强', sales.id], ['20003', '张伟', '', service.id], ['20004', 'Anna Schmidt', 'Anna', service.id]];
  for (const [number, name, nickname, department] of people) {
    await api('POST', 'employees', {
      number, name, nickname, department, role: role.id, password: 'first-1234', mobile: `139001390${number.slice(-2)}`,
      email: `${number}@example.com`, agent: { after_call: number.endsWith('2') ? 'ready' : 'wrap_up' },
    });
  }
  await api('PUT', 'employees/20004/status', { status: 'left' });
  // Five wrong passwords lock an account.
  for (let tries = 0; tries < 5; tries += 1) {
    await page.request.post(`${origin}/api/v1/session`, { data: { login: '20003', password: 'wrong' } });
  }
  await api('POST', 'blocks', { side: 'caller', kind: 'exact', number: '13800138000', treatment: 'busy', note: '骚扰电话' });
  await api('POST', 'blocks', { side: 'callee', kind: 'prefix', number: '00', treatment: 'prompt', note: '国际长途', expires_at: '2030-01-01T00:00:00Z' });
  await api('POST', 'tokens', { name: 'wallboard', permissions: ['wallboard.read', 'calls.read'], expires_at: '2030-01-01T00:00:00Z' });
  await api('POST', 'tokens', { name: 'crm-sync', permissions: ['*'] });
  const hook = await api('POST', 'webhooks', { url: 'https://crm.invalid/hooks', description: 'CRM', types: ['call.*', 'recording.ready'] });
  await api('POST', `webhooks/${hook.id}/test`);
}

/** What opens over the pages: forms, with what the server refuses, and details. */
export async function visit(page, origin, language, shoot) {
  const words = WORDS[language];
  const button = (name) => page.getByRole('button', { name, exact: true });
  const over = async (path, name, open) => {
    await page.goto(origin + path);
    await page.locator('.ant-table-row, .ant-tree').first().waitFor();
    await open();
    await page.getByRole('dialog').first().waitFor();
    await shoot(name);
  };
  await over('/employees', 'employee-new', async () => {
    await button(words.addEmployee).click();
    await button(words.save).click();
  });
  await over('/employees', 'employee-edit', () => page.getByRole('row').filter({ hasText: '20001' }).getByRole('button', { name: words.edit, exact: true }).click());
  await over('/employees', 'department-new', () => button(words.departments).click());
  await over('/roles', 'role-edit', () => page.getByRole('row').filter({ hasText: '班长' }).getByRole('button', { name: words.edit, exact: true }).click());
  await over('/roles', 'role-delete', () => page.getByRole('row').filter({ hasText: '班长' }).getByRole('button', { name: words.delete, exact: true }).click());
  await over('/tokens', 'token-new', () => button(words.addToken).click());
  await over('/webhooks', 'webhook-detail', () => button(words.detail).first().click());
  await over('/blocks', 'block-new', () => button(words.block).click());
  await over('/blocks', 'block-import', () => button(words.import).click());
  await over('/audit', 'audit-entry', () => page.locator('.ant-table-row').nth(1).click());
}
