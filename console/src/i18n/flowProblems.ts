import { learn } from './refusals';

/** What the check of a flow says (`dialplan/src/flow/check.rs`, `limits.rs`). */
const PROBLEMS: Record<string, string> = {
  'no way leads here; lead one here, or take the node out': '没有节点通向这里，请连接到它，或将其删除',
  'it comes back here without waiting for the caller; put a menu, a collect or an end into the loop':
    '流程会不等待来电者而循环回到这里，请在循环中加入菜单、收号或结束',
  'there is no node `{}`{}': '节点 {} 不存在',
  'there is no queue `{}`{}': '技能组 {} 不存在',
  'there is no extension `{}`{}': '分机 {} 不存在',
  'there is no survey `{}`{}': '满意度评价 {} 不存在',
  'there is no room `{}`{}': '会议室 {} 不存在',
  'there is no flow `{}`{}': '流程 {} 不存在或未发布',
  'there is no set of hours `{}`{}': '营业时间 {} 不存在',
  'there is no prompt `{}`{}': '语音 {} 不存在',
  '`{}` is no number that can be dialled': '“{}”不是可拨打的号码',
  '`{}` is read here, but not every way here has set it{}; set it before':
    '这里使用了变量 {}，但并非每条路径都已赋值，请先赋值',
  '`{}` is read here, but not every way here has set it; set it before':
    '这里使用了变量 {}，但并非每条路径都已赋值，请先赋值',
  'a menu without keys leads nowhere; write `keys`, or make it a `say`': '菜单没有按键，请添加按键，或改为播报内容',
  'flow `{}` needs `{}`, which not every way here has set; set it before':
    '流程 {} 需要变量 {}，但并非每条路径都已赋值，请先赋值',
  'the flow comes back to itself through `{}` and goes deeper each time; leave `next` out where it need not come back':
    '流程经 {} 反复调用自身，层层加深；无需返回时请不要设置“下一步”',
  'the flow comes back to itself through `{}` without waiting for the caller; put a menu or an end on the way':
    '流程经 {} 回到自身而不等待来电者，请在途中加入菜单或结束',
  '`{}` is {}, write {} to {}': '{} 为 {}，应为 {} 至 {}',
  '`url` begins with https:// or http://': '网址须以 https:// 或 http:// 开头',
  'there is no draft to publish; save one first': '没有可发布的草稿，请先修改',
  'route {} leads to it; change or delete the route first': '路由 {} 指向此流程，请先修改或删除该路由',
  'flow {} leads to it; change that first': '流程 {} 指向此流程，请先修改',
  'queue {} overflows to it; change that first': '技能组 {} 溢出到此流程，请先修改',
};

/** What goes on while a flow is simulated (`dialplan/src/flow/action.rs`, `rehearse.rs`). */
const LINES: Record<string, string> = {
  'the prompt ends': '播放完毕',
  'no key is pressed': '没有按键',
  'the caller presses {}': '来电者按 {}',
  'it is done': '完成',
  'the server does not answer': '服务器无应答',
  'the server answers {}': '服务器应答 {}',
  'the queue is left: answered': '坐席已接听，通话结束',
  'the queue is left: max_wait': '等待超时',
  'the queue is left: full': '排队已满',
  'the queue is left: nobody': '无坐席签入',
  'the ringing ends: answered': '已接听，通话结束',
  'the ringing ends: busy': '对方忙',
  'the ringing ends: no_answer': '无人接听',
  'the ringing ends: failed': '无法接通',
  'it goes on and on: the caller hangs up': '流程一直循环，来电者挂机',
  'play {} [{}]': '播放（{}）{}',
  'stop playing': '停止播放',
  'wait for {}': '等待按键 {}',
  'look up {} within {} ms for {}': '查询 {}，最长 {} 毫秒，读取 {}',
  'queue {} priority {} leaves [{}] keys [{}]': '在技能组 {} 排队，优先级 {}',
  'queue {} priority {} leaves [] keys []': '在技能组 {} 排队，优先级 {}',
  'queue {} priority {} leaves [{}] keys []': '在技能组 {} 排队，优先级 {}',
  'queue {} priority {} leaves [] keys [{}]': '在技能组 {} 排队，优先级 {}',
  'leave the queue': '离开排队',
  'ring extension {} for {} s': '呼叫分机 {}，振铃 {} 秒',
  'ring agent {} for {} s': '呼叫坐席 {}，振铃 {} 秒',
  'ring outside {} for {} s': '呼叫外线 {}，振铃 {} 秒',
  'voicemail {} []': '在 {} 留言',
  'voicemail {} [{}]': '在 {} 留言，先播放 {}',
  'survey {}': '满意度评价 {}',
  'conference {}': '加入会议室 {}',
  'set {} = {}': '变量 {} = {}',
  'fault at {}: {}': '{} 出错：{}',
  'hang up normal': '挂断（正常）',
  'hang up busy': '挂断（忙）',
  'hang up rejected': '挂断（拒绝）',
  'hang up failure': '挂断（失败）',
};

export function learnFlowProblems(): void {
  learn(PROBLEMS);
  learn(LINES);
}
