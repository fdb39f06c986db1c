import { type QueryKey, useQuery } from '@tanstack/react-query';
import { Alert, Button, Drawer, Form, type FormInstance, Space } from 'antd';
import { type ReactNode, useCallback, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Answered } from '../States';
import type { Path } from './faults';
import { Told, useSubmit } from './submit';
import type { Tagged } from './tagged';
import { useDiscard, useUnsaved } from './unsaved';

interface Given<Values, Shown, Saved> {
  title: string;
  /** Reads what is changed, with its `ETag` (`askTagged`); left out where something new is made. */
  read?: () => Promise<Tagged<Shown>>;
  /** What the fields begin with: of what was read, or of nothing. */
  fill: (shown: Shown | undefined) => Partial<Values>;
  /** Sends it, with `...ifMatch(etag)` where something is changed. */
  save: (values: Values, etag: string | undefined, shown: Shown | undefined) => Promise<Saved>;
  /** What it came to; secrets that are shown once, for example. */
  saved?: (saved: Saved) => void;
  /** The lists that are read again. */
  lists: readonly QueryKey[];
  /** The field that "already exists" is about. */
  identity?: string;
  /** Shows a field at fault that stands on a tab behind. */
  reveal?: (name: Path) => void;
  /** It is seen and not changed: by whom it is, is said on top (`t('settings.provisioned')`). */
  locked?: (shown: Shown | undefined) => string | undefined;
  close: () => void;
  size?: number;
  children: ReactNode | ((form: FormInstance<Values>, shown: Shown | undefined) => ReactNode);
}

/** A form at the side, for something new or a change of what is there. What the server refuses is said at its field. */
export function FormDrawer<Values extends object, Shown = undefined, Saved = unknown>(
  given: Given<Values, Shown, Saved>,
) {
  const { read } = given;
  const id = useId();
  const [edition, setEdition] = useState(0);
  const query = useQuery({
    queryKey: ['form', id, edition],
    queryFn: async () => (read ? await read() : { value: undefined, etag: undefined }),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.data)
    return <Filled key={edition} given={given} read={query.data} reload={() => setEdition(edition + 1)} />;
  return (
    <Drawer open title={given.title} size={given.size ?? 520} onClose={given.close}>
      <Answered query={query}>{() => null}</Answered>
    </Drawer>
  );
}

interface FilledGiven<Values, Shown, Saved> {
  given: Given<Values, Shown, Saved>;
  read: Tagged<Shown | undefined>;
  reload: () => void;
}

function Filled<Values extends object, Shown, Saved>({ given, read, reload }: FilledGiven<Values, Shown, Saved>) {
  const { title, fill, close, locked, children, size } = given;
  // What the fields began with stays, also where it is read again behind them: the change is of that version.
  const [{ value: shown, etag }] = useState(read);
  const { t } = useTranslation();
  const discard = useDiscard();
  const [form] = Form.useForm<Values>();
  const formId = useId();
  const { trouble, isBusy, submit } = useSubmit<Values, Shown, Saved>(
    form,
    {
      ...given,
      saved: (done) => {
        close();
        given.saved?.(done);
      },
    },
    etag,
    shown,
  );
  const isChanged = useCallback(() => form.isFieldsTouched(), [form]);
  useUnsaved(isChanged);
  const leave = () => (isChanged() ? discard(close) : close());
  const reason = locked?.(shown);
  const [initial] = useState(() => fill(shown));
  return (
    <Drawer
      open
      title={title}
      size={size ?? 520}
      onClose={leave}
      footer={
        <Space style={{ display: 'flex', justifyContent: 'flex-end' }}>
          <Button onClick={leave}>{t(reason ? 'settings.close' : 'common.cancel')}</Button>
          {!reason && (
            <Button type="primary" htmlType="submit" form={formId} loading={isBusy}>
              {t('common.save')}
            </Button>
          )}
        </Space>
      }
    >
      {reason && <Alert showIcon type="info" title={reason} style={{ marginBottom: 16 }} />}
      <Told trouble={trouble} reload={reload} />
      <Form<Values>
        id={formId}
        // Fields of the page behind it may have the same names.
        name={formId}
        form={form}
        layout="vertical"
        disabled={Boolean(reason)}
        initialValues={initial}
        onFinish={submit}
        scrollToFirstError={{ focus: true }}
      >
        {typeof children === 'function' ? children(form, shown) : children}
      </Form>
    </Drawer>
  );
}
