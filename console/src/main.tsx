import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { usePreferences } from './app/preferences';
import { resume } from './app/session';
import { speak } from './i18n';
import './style.css';

const root = document.getElementById('root');
if (root) {
  void Promise.all([speak(usePreferences.getState().language), resume()]).then(() =>
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    ),
  );
}
