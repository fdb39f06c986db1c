import { ImportOutlined } from '@ant-design/icons';
import { Button, DatePicker, Form, Input, Segmented, Select, type TableProps, Tag } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, type Schemas } from '../../api/client';
import { useMay, useSession } from '../../app/session';
import { instant, moment, wallTime } from '../../format';
import { FormDrawer } from '../../ui/settings/FormDrawer';
import { useDelete } from '../../ui/settings/orders';
import { SettingsList } from '../../ui/settings/SettingsList';
import { askTagged, ifMatch } from '../../ui/settings/tagged';
import { BLOCKS, BlockImport } from './BlockImport';

type Block = Schemas['BlockShown'];
type Filled = Omit<Schemas['BlockRule'], 'expires_at'> & { expires_at?: Dayjs | null };
type Edited = { kind: 'none' } | { kind: 'new' } | { kind: 'import' } | { kind: 'changed'; block: Block };

const SIDES = ['caller', 'callee'] as const;
const KINDS = ['exact', 'prefix'] as const;
const TREATMENTS = ['busy', 'prompt', 'hang_up'] as const;
const pathOf = ({ id }: Block) => ({ params: { path: { id } } });

/** Numbers from which nobody is let in, and numbers that are not called (GEN-19). */
export function Blocks() {
  const { t } = useTranslation();
  const may = useMay();
  const erase = useDelete();
  const columns = useColumns();
  const [edited, setEdited] = useState<Edited>({ kind: 'none' });
  const [side, setSide] = useState<string>();
  const mayWrite = may('blocks.write');
  const actions = (block: Block) => [
    { label: t('settings.edit'), act: () => setEdited({ kind: 'changed', block }) },
    {
      label: t('settings.delete'),
      danger: true,
      disabled: block.read_only,
      act: () =>
        erase({
          name: block.number,
          hint: t('blocks.deleteHint'),
          remove: () => ask(api.DELETE('/api/v1/blocks/{id}', pathOf(block))),
          lists: [BLOCKS],
        }),
    },
  ];
  return (
    <div className="page">
      <SettingsList<Block>
        name={BLOCKS}
        load={(query) => ask(api.GET('/api/v1/blocks', { params: { query } }))}
        rowKey={({ id }) => id}
        searchIn={({ number, note }) => [number, note]}
        searchLabel={t('blocks.search')}
        {...(side ? { filter: (block: Block) => block.side === side } : {})}
        conditions={
          <Select
            allowClear
            value={side}
            onChange={setSide}
            style={{ width: 150 }}
            placeholder={t('blocks.side')}
            aria-label={t('blocks.side')}
            options={SIDES.map((value) => ({ value, label: t(`blocks.sides.${value}`) }))}
          />
        }
        extra={
          mayWrite && (
            <Button
              icon={<ImportOutlined />}
              aria-label={t('blocks.import')}
              onClick={() => setEdited({ kind: 'import' })}
            >
              {t('blocks.import')}
            </Button>
          )
        }
        columns={columns}
        add={mayWrite ? { label: t('blocks.add'), act: () => setEdited({ kind: 'new' }) } : undefined}
        {...(mayWrite ? { actions } : {})}
      />
      {edited.kind === 'import' && <BlockImport close={() => setEdited({ kind: 'none' })} />}
      {edited.kind === 'new' && <BlockForm close={() => setEdited({ kind: 'none' })} />}
      {edited.kind === 'changed' && <BlockForm block={edited.block} close={() => setEdited({ kind: 'none' })} />}
    </div>
  );
}

function useColumns() {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  const columns: NonNullable<TableProps<Block>['columns']> = [
    { title: t('blocks.number'), dataIndex: 'number' },
    { title: t('blocks.side'), render: (_, block) => t(`blocks.sides.${block.side as 'caller'}`) },
    { title: t('blocks.kind'), render: (_, { kind }) => t(`blocks.kinds.${kind ?? 'exact'}`) },
    {
      title: t('blocks.treatment'),
      render: (_, { treatment }) => t(`blocks.treatments.${(treatment ?? 'busy') as 'busy'}`),
    },
    { title: t('blocks.expires'), render: (_, block) => <Until of={block} /> },
    { title: t('blocks.note'), dataIndex: 'note', ellipsis: true },
    { title: t('tokens.made'), render: (_, { created_at }) => moment(created_at, zone) },
  ];
  return columns;
}

function Until({ of: { expires_at, expired } }: { of: Block }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  if (!expires_at) return t('blocks.forever');
  return (
    <>
      {moment(expires_at, zone)} {expired && <Tag>{t('blocks.expired')}</Tag>}
    </>
  );
}

function BlockForm({ block, close }: { block?: Block; close: () => void }) {
  const { t } = useTranslation();
  const { time_zone: zone } = useSession();
  return (
    <FormDrawer<Filled, Block>
      title={block ? t('blocks.edit') : t('blocks.add')}
      lists={[BLOCKS]}
      close={close}
      read={block ? () => askTagged(api.GET('/api/v1/blocks/{id}', pathOf(block))) : undefined}
      locked={(shown) => (shown?.read_only ? t('settings.provisioned') : undefined)}
      fill={(shown) =>
        shown
          ? { ...shown, expires_at: shown.expires_at ? wallTime(shown.expires_at, zone) : null }
          : { side: 'caller', kind: 'exact', treatment: 'busy' }
      }
      save={({ expires_at, note = '', ...values }, etag) => {
        const body = { ...values, note, expires_at: expires_at ? instant(expires_at, zone) : null };
        return ask(
          block
            ? api.PUT('/api/v1/blocks/{id}', { ...pathOf(block), ...ifMatch(etag), body })
            : api.POST('/api/v1/blocks', { body }),
        );
      }}
    >
      <Form.Item name="side" label={t('blocks.side')} rules={[{ required: true }]}>
        <Segmented block options={SIDES.map((value) => ({ value, label: t(`blocks.sides.${value}`) }))} />
      </Form.Item>
      <Form.Item
        name="number"
        label={t('blocks.number')}
        rules={[{ required: true, whitespace: true }]}
        extra={t('blocks.numberHint')}
      >
        <Input autoFocus inputMode="tel" />
      </Form.Item>
      <Form.Item name="kind" label={t('blocks.kind')}>
        <Segmented block options={KINDS.map((value) => ({ value, label: t(`blocks.kinds.${value}`) }))} />
      </Form.Item>
      <Form.Item name="treatment" label={t('blocks.treatment')}>
        <Select options={TREATMENTS.map((value) => ({ value, label: t(`blocks.treatments.${value}`) }))} />
      </Form.Item>
      <Form.Item name="expires_at" label={t('blocks.expires')}>
        <DatePicker
          showTime
          style={{ width: '100%' }}
          placeholder={t('blocks.forever')}
          disabledDate={(day) => day.isBefore(dayjs(), 'day')}
        />
      </Form.Item>
      <Form.Item name="note" label={t('blocks.note')} rules={[{ max: 200 }]}>
        <Input.TextArea autoSize={{ minRows: 2 }} maxLength={200} showCount />
      </Form.Item>
    </FormDrawer>
  );
}
