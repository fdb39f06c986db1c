import { BellOutlined } from '@ant-design/icons';
import { Badge, Button, Drawer, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { inWords } from '../api/problem';
import { moment } from '../format';
import { useModuleName } from '../pages/modules';
import { Nothing } from '../ui/States';
import {
  clearMessages,
  closeMessages,
  type Message,
  openMessages,
  unread,
  useMessageKeeper,
  useMessages,
  useMessageWindow,
} from './messages';
import { useSession } from './session';

/** System messages, with how many are not read yet (UI-07). */
export function Messages() {
  const { t } = useTranslation();
  useMessageKeeper();
  const kept = useMessages();
  const isOpen = useMessageWindow((window) => window.isOpen);
  const count = unread(kept);
  return (
    <>
      <Badge count={count} size="small" offset={[-6, 6]}>
        <Button
          type="text"
          icon={<BellOutlined />}
          title={t('messages.title')}
          aria-label={t('messages.unread', { count })}
          onClick={openMessages}
        />
      </Badge>
      <Drawer
        open={isOpen}
        title={t('messages.title')}
        onClose={closeMessages}
        extra={
          <Button size="small" disabled={kept.messages.length === 0} onClick={clearMessages}>
            {t('messages.clear')}
          </Button>
        }
      >
        {kept.messages.length === 0 && <Nothing text={t('messages.none')} />}
        {kept.messages.map((message) => (
          <Told key={message.key} message={message} />
        ))}
      </Drawer>
    </>
  );
}

function Told({ message }: { message: Message }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const nameOf = useModuleName();
  const words = () => {
    if (message.kind === 'forced')
      return t('messages.forced', { name: message.by, state: t(`state.${message.state}`) });
    const module = nameOf(message.module);
    if (message.failed === undefined) return t('messages.taskDone', { module, rows: message.rows });
    return t('messages.taskFailed', { module, reason: inWords(message.failed) });
  };
  return (
    <div style={{ paddingBlock: 8 }}>
      <Typography.Text>{words()}</Typography.Text>
      <br />
      <Typography.Text type="secondary">{moment(message.at, zone)}</Typography.Text>
    </div>
  );
}
