import { defineConfig } from 'vite'

/** The console: everything it needs comes from its own server, in files of their own. */
export default defineConfig({
  root: 'src/console',
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    target: 'es2023',
  },
})
