import { DeleteOutlined, UploadOutlined, UserOutlined } from '@ant-design/icons';
import { App, Avatar, Button, Space, Upload } from 'antd';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '../../api/client';

/** The picture as the form leaves it. */
export type Picture =
  | { kind: 'kept'; source: string | undefined }
  | { kind: 'chosen'; file: File }
  | { kind: 'removed' };

const BYTES_MAX = 1_048_576;
const TYPES = ['image/jpeg', 'image/png'];

/** A picture: JPEG or PNG of at most 1 MB (ORG-21). It is sent when the form is saved. */
export function AvatarField({ value, onChange }: { value?: Picture; onChange?: (picture: Picture) => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const source = useSource(value);
  const take = (file: File) => {
    if (!TYPES.includes(file.type)) void message.error(t('people.avatarKind'));
    else if (file.size > BYTES_MAX) void message.error(t('people.avatarSize'));
    else onChange?.({ kind: 'chosen', file });
    return Upload.LIST_IGNORE;
  };
  return (
    <Space size={16}>
      <Avatar size={64} icon={<UserOutlined />} src={source} alt={t('people.avatar')} />
      <Upload accept=".jpg,.jpeg,.png" showUploadList={false} beforeUpload={take}>
        <Button icon={<UploadOutlined />}>{t('people.upload')}</Button>
      </Upload>
      {source && (
        <Button
          type="text"
          icon={<DeleteOutlined />}
          aria-label={t('people.removeAvatar')}
          onClick={() => onChange?.({ kind: 'removed' })}
        />
      )}
      <span className="faint">{t('people.avatarRule')}</span>
    </Space>
  );
}

function useSource(picture: Picture | undefined): string | undefined {
  const file = picture?.kind === 'chosen' ? picture.file : undefined;
  const chosen = useMemo(() => (file ? URL.createObjectURL(file) : undefined), [file]);
  useEffect(() => () => void (chosen && URL.revokeObjectURL(chosen)), [chosen]);
  return picture?.kind === 'kept' ? picture.source : chosen;
}

/** Sends what was chosen. */
export async function savePicture(number: string, picture: Picture | undefined): Promise<void> {
  const params = { path: { id: number } };
  if (picture?.kind === 'removed') await ask(api.DELETE('/api/v1/employees/{id}/avatar', { params }));
  if (picture?.kind !== 'chosen') return;
  const { file } = picture;
  const sent = {
    params,
    body: file as never,
    bodySerializer: () => file,
    headers: { 'Content-Type': file.type },
  };
  await ask(api.PUT('/api/v1/employees/{id}/avatar', sent));
}
