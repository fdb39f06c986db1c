import { learn } from './refusals';

/** What the server says on the pages of telephony. */
const PROBLEMS: Record<string, string> = {
  'no caller entered the queue in this time; look at an earlier or longer one':
    '此期间没有来电进入该技能组，请选择更早或更长的时间',
  'no agent was done with a call of the queue in this time, so what a call takes is not known; look at a longer one':
    '此期间没有坐席处理完该技能组的来电，无法得知处理时长，请选择更长的时间',
  'a conference room has this number; take another': '已有会议室使用此号码，请换一个',
  'an extension has this number; take another': '已有分机使用此号码，请换一个',
  'a queue has this number; take another': '已有技能组使用此号码，请换一个',
  'an extension, a room or another queue has this number; take another': '已有分机、会议室或技能组使用此号码，请换一个',
  'a contact is a SIP URI such as sip:1004@192.0.2.7:5060': '固定地址为 SIP 地址，如 sip:1004@192.0.2.7:5060',
  'a display name is at most 64 characters on one line': '显示名称最多 64 个字符',
  'a name is at most 64 characters on one line': '名称最多 64 个字符',
  'a host is a name or an IP address, without a port': '服务器为域名或 IP 地址，不含端口',
  'a password is 1 to 128 characters on one line': '密码为 1 至 128 个字符',
  'a user name is 1 to 128 characters on one line': '用户名为 1 至 128 个字符',
  'a password is 8 to 64 printable ASCII characters without spaces': '密码为 8 至 64 位英文字母、数字或符号，不含空格',
  'a route without `hours` is never closed; name the hours, too': '未选择营业时间的路由始终开放，请先选择营业时间',
  'a step leads to a queue, a published flow or a prompt that is not there':
    '溢出步骤指向的技能组、已发布流程或语音不存在',
  'a trunk has at most 256 sources; use larger networks': '来电地址最多 256 个，请使用更大的网段',
  'an outbound route has 1 to 16 trunks': '呼出路由有 1 至 16 条中继',
  'at most 24 characters can be cut off: a number has no more': '最多删除 24 位',
  'moderators need another PIN than the others': '主持人密码不能与会议密码相同',
  'nobody could unlock it; set a moderator_pin, too': '锁定后无人能解锁，请同时设置主持人密码',
  'there are no such opening hours; make them first': '营业时间不存在，请先新建',
  'there is no such employee; make the employee first': '员工不存在，请先新建员工',
  'there is no such prompt; upload it first': '语音不存在，请先上传',
  'there is no such survey; make it first': '满意度评价不存在，请先新建',
  'username and password come together': '用户名和密码须同时填写',
  '{} is no agent; make the employee one first': '{} 不是坐席，请先将该员工设为坐席',
  'agent {} signs in on it; give him another first': '坐席 {} 使用此分机，请先为其更换分机',
  'queue {} has him as a member; take him out there first': '技能组 {} 中有该坐席，请先将其移出',
  'route {} leads to it; change or delete the route first': '路由 {} 指向它，请先修改或删除该路由',
  'route {} obeys them; change that first': '路由 {} 使用此营业时间，请先修改',
  'route {} uses it; change or delete the route first': '路由 {} 使用此中继，请先修改或删除该路由',
  'flow {} asks for them at node {}; change that first': '流程 {} 的节点 {} 使用此营业时间，请先修改',
  'flow {} asks it; change that first': '流程 {} 使用此满意度评价，请先修改',
  'queue {} asks it; change that first': '技能组 {} 使用此满意度评价，请先修改',
  'the prompts of a tenant have at most 30 minutes in all; delete some first': '语音总时长最多 30 分钟，请先删除一些',
  "a prompt's file has at most 24 MiB": '语音文件最大 24 MB',
};

learn(PROBLEMS);
