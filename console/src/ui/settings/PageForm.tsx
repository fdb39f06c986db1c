import { type QueryKey, useQuery } from '@tanstack/react-query';
import { Button, Card, Form, Space } from 'antd';
import { type ReactNode, useCallback, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Answered } from '../States';
import { Told, useSubmit } from './submit';
import type { Tagged } from './tagged';
import { useUnsaved } from './unsaved';

interface Given<Values, Shown> {
  title: string;
  /** Reads what is shown, with its `ETag` where it has one. */
  read: () => Promise<Tagged<Shown>>;
  name: QueryKey;
  fill: (shown: Shown) => Values;
  save: (values: Values, etag: string | undefined) => Promise<unknown>;
  /** It is seen and not changed. */
  isLocked: boolean;
  children: ReactNode | ((shown: Shown) => ReactNode);
}

/** Settings of which there is one: a form that stands in the page. */
export function PageForm<Values extends object, Shown>(given: Given<Values, Shown>) {
  const [edition, setEdition] = useState(0);
  const query = useQuery({
    queryKey: [...given.name, edition],
    queryFn: given.read,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Card size="small" title={given.title}>
      <Answered query={query}>
        {(read) => <Filled key={edition} given={given} read={read} reload={() => setEdition(edition + 1)} />}
      </Answered>
    </Card>
  );
}

function Filled<Values extends object, Shown>({
  given,
  read,
  reload,
}: {
  given: Given<Values, Shown>;
  read: Tagged<Shown>;
  reload: () => void;
}) {
  const { t } = useTranslation();
  const { fill, save, isLocked, children } = given;
  const [{ value, etag }] = useState(read);
  const [form] = Form.useForm<Values>();
  const id = useId();
  const [isChanged, setIsChanged] = useState(false);
  // What is saved is read again, with its new version.
  const { trouble, isBusy, submit } = useSubmit<Values, Shown, unknown>(
    form,
    { save, saved: reload, lists: [] },
    etag,
    value,
  );
  useUnsaved(useCallback(() => isChanged, [isChanged]));
  return (
    <>
      <Told trouble={trouble} reload={reload} />
      <Form<Values>
        name={id}
        form={form}
        layout="vertical"
        disabled={isLocked}
        initialValues={fill(value)}
        onFinish={submit}
        onValuesChange={() => setIsChanged(true)}
        scrollToFirstError={{ focus: true }}
        style={{ maxWidth: 720 }}
      >
        {typeof children === 'function' ? children(value) : children}
        {!isLocked && (
          <Space>
            <Button type="primary" htmlType="submit" loading={isBusy} disabled={!isChanged}>
              {t('common.save')}
            </Button>
            <Button disabled={!isChanged} onClick={reload}>
              {t('common.reset')}
            </Button>
          </Space>
        )}
      </Form>
    </>
  );
}
