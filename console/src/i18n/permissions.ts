import { i18n } from './index';

/** What permission keys let one do, in Chinese. The server says it in English; a test compares the keys with its source. */
export const PERMISSIONS: Record<string, string> = {
  'agents.read': '查看坐席及其状态',
  'agents.supervise': '控制任意坐席的状态，强制切换',
  'agents.write': '设置坐席',
  'agent_states.read': '查看坐席状态日志',
  'audit.read': '查看操作日志',
  'bans.read': '查看封禁的地址',
  'bans.write': '解除封禁',
  'calls.barge': '强插',
  'blocks.read': '查看黑名单',
  'blocks.write': '设置黑名单',
  'callers.read': '查看已知来电',
  'callers.write': '设置排队优先与专属坐席',
  'calls.control': '控制任意通话：结束、保持、转接、会议',
  'call.dial': '拨打电话',
  'calls.force_hangup': '强拆',
  'calls.monitor': '监听',
  'calls.read': '查看正在进行的通话',
  'calls.record': '控制任意通话的录音',
  'calls.takeover': '接管',
  'calls.whisper': '密语',
  'call_ladders.read': '查看通话的 SIP 信令',
  'call_records.export': '导出通话记录',
  'call_records.read': '查看通话记录',
  'conferences.control': '控制会议：静音、请出、结束',
  'conferences.read': '查看会议成员',
  'events.read': '读取事件',
  'departments.read': '查看部门',
  'departments.write': '添加、编辑、删除部门，设置经理',
  'employees.read': '查看员工及其联系方式',
  'employees.write': '新建、编辑、解锁员工，设置在职和离职，调整部门',
  'extensions.read': '查看分机',
  'extensions.use': '用浏览器作为话机',
  'extensions.write': '设置分机',
  'flows.read': '查看流程',
  'flows.write': '设置和发布流程',
  'hours.read': '查看工作时间',
  'hours.write': '设置工作时间',
  'logins.read': '查看登录日志',
  'metrics.read': '读取系统指标',
  'missed_offers.read': '查看未接来电',
  'prompts.read': '查看和收听语音',
  'prompts.write': '上传、修改、删除语音',
  'queues.read': '查看技能组和排队',
  'queues.write': '设置技能组',
  'recordings.download': '下载录音',
  'recordings.play': '收听录音',
  'recordings.read': '查看录音列表',
  'registrations.read': '查看已注册的话机',
  'roles.read': '查看角色',
  'roles.write': '新建、编辑、删除角色',
  'rooms.read': '查看会议室',
  'rooms.write': '设置会议室',
  'routes.read': '查看路由',
  'routes.write': '设置路由',
  'surveys.read': '查看满意度调查',
  'surveys.write': '设置满意度调查',
  'system.read': '查看系统状态',
  'tasks.all': '查看所有人的导出和导入任务',
  'tenants.read': '查看企业设置',
  'tenants.write': '修改企业设置',
  'tokens.read': '查看 API 令牌',
  'telephony.admin': '全部电话设置：技能组、线路、流程、语音、工作时间',
  'tokens.write': '新建、撤销 API 令牌',
  'trunks.read': '查看中继',
  'trunks.write': '设置中继',
  'voicemails.delete': '删除他人的留言',
  'voicemails.download': '下载留言',
  'voicemails.export': '导出留言列表',
  'voicemails.play': '收听留言',
  'voicemails.read': '查看所有留言',
  'wallboard.read': '查看大屏和坐席监控',
  'webhooks.read': '查看事件推送',
  'webhooks.write': '设置事件推送（还需读取事件的权限）',
  'crm.call_records.read': '查看客户的通话记录',
  'crm.lost_answered.read': '查看漏话应答记录',
  'crm.lost_calls.handle': '占有、处理、回拨漏话',
  'crm.lost_calls.read': '查看漏话记录',
  'crm.missed_calls.read': '查看未接来电，处理自己的',
  'crm.settings.read': '查看客户管理设置',
  'crm.settings.write': '修改客户管理设置',
};

/** The fields that rights are set for, in Chinese. */
export const FIELDS: Record<string, string> = {
  'call_records.caller': '通话记录：主叫号码',
  'call_records.callee': '通话记录：被叫号码',
  'employees.mobile': '员工：手机号码',
  'missed_offers.caller': '未接来电：主叫号码',
  'missed_offers.callee': '未接来电：被叫号码',
  'voicemails.caller': '留言：主叫号码',
  'voicemails.callee': '留言：被叫号码',
};

/** What a key lets one do, in the language of the page; else as the server says it, without the numbers of requirements. */
export function permissionWords(key: string, words: string): string {
  const known = i18n.language === 'en' ? undefined : PERMISSIONS[key];
  return known ?? words.replace(/\s*\([^)]*[A-Z]{2,}[^)]*\)/g, '').replace(/\.$/, '');
}

export function fieldWords(name: string): string {
  const [object = '', ...rest] = name.split('.');
  const spoken = `${object.replaceAll('_', ' ')}: ${rest.join(' ').replaceAll('_', ' ')}`;
  return i18n.language === 'en' ? `${spoken.charAt(0).toUpperCase()}${spoken.slice(1)}` : (FIELDS[name] ?? spoken);
}
