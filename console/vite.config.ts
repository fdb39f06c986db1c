import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the sources as they are and asks a server that runs elsewhere.
const server = process.env.SWITCHBOARD_URL ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react()],
  define: { __VERSION__: JSON.stringify(process.env.npm_package_version ?? '') },
  build: {
    outDir: 'dist/www',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/sip'].map((path) => [path, { target: server, ws: true, changeOrigin: false }]),
    ),
  },
  test: { include: ['src/**/*.test.ts'] },
});
