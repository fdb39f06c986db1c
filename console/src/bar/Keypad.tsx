import { Button } from 'antd';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

export function Keypad({ press, disabled }: { press: (key: string) => void; disabled?: boolean }) {
  return (
    <div className="keys">
      {KEYS.map((key) => (
        <Button key={key} disabled={disabled} onClick={() => press(key)}>
          {key}
        </Button>
      ))}
    </div>
  );
}
