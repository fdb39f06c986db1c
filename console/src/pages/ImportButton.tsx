import { UploadOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Form, Modal, Select, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, type ProblemBody, textOf } from '../api/problem';
import { useModules } from '../ui/ExportButton';
import { useModuleName } from './modules';

/** Sends a file whose rows are taken in (TASK-01). Shown to who may take in anything. */
export function ImportButton() {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const modules = useModules().filter(({ kind, permitted }) => kind === 'import' && permitted);
  if (modules.length === 0) return null;
  return (
    <>
      <Button icon={<UploadOutlined />} aria-label={t('tasks.newImport')} onClick={() => setIsOpen(true)}>
        {t('tasks.newImport')}
      </Button>
      {isOpen && <ImportDialog modules={modules} close={() => setIsOpen(false)} />}
    </>
  );
}

async function send(module: string, file: File): Promise<void> {
  const address = `/api/v1/tasks/imports?${new URLSearchParams({ module, name: file.name })}`;
  const headers = { 'Content-Type': 'application/octet-stream' };
  const answer = await fetch(address, { method: 'POST', headers, body: file }).catch(() => {
    throw new Problem(0, undefined);
  });
  if (!answer.ok) {
    throw new Problem(answer.status, (await answer.json().catch(() => undefined)) as ProblemBody | undefined);
  }
}

function ImportDialog({ modules, close }: { modules: ReturnType<typeof useModules>; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const nameOf = useModuleName();
  const queries = useQueryClient();
  const [module, setModule] = useState(modules[0]?.module ?? '');
  const [file, setFile] = useState<File>();
  const [isBusy, setIsBusy] = useState(false);
  const start = async () => {
    if (!file) return;
    setIsBusy(true);
    try {
      await send(module, file);
      await queries.invalidateQueries({ queryKey: ['tasks'] });
      close();
    } catch (error) {
      void message.error(textOf(error));
      setIsBusy(false);
    }
  };
  const columns = modules.find((one) => one.module === module)?.columns.join(', ');
  return (
    <Modal
      open
      title={t('tasks.newImport')}
      okText={t('common.ok')}
      cancelText={t('common.cancel')}
      confirmLoading={isBusy}
      okButtonProps={{ disabled: !file }}
      onOk={() => void start()}
      onCancel={close}
    >
      <Form layout="vertical">
        <Form.Item label={t('tasks.module')} htmlFor="import-module" required>
          <Select
            id="import-module"
            value={module}
            onChange={setModule}
            options={modules.map((one) => ({ value: one.module, label: nameOf(one.module) }))}
          />
        </Form.Item>
        <Form.Item label={t('tasks.file')} extra={t('tasks.importHint', { columns })} required>
          <Upload
            accept=".xlsx,.csv"
            maxCount={1}
            beforeUpload={(chosen) => {
              setFile(chosen);
              return false;
            }}
            onRemove={() => setFile(undefined)}
          >
            <Button icon={<UploadOutlined />}>{t('tasks.choose')}</Button>
          </Upload>
        </Form.Item>
      </Form>
    </Modal>
  );
}
