import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig, type Plugin } from 'vite'
import { writeOutlines } from './outlines.ts'

/** All but what draws charts and the panels that hold them; lists write CSV too. */
const NO_CHARTS = /^(?!.*src[\\/]lib[\\/](charts[\\/](?!csv\.ts)|site[\\/]))/

/**
 * The page's own font comes without being waited for: who is here for the first time reads the system's, and nothing moves or is drawn twice
 * when ours has come; from then on it lies in the cache.
 */
const patientFont: Plugin = {
  name: 'patient-font',
  enforce: 'pre',
  transform: (code, id) =>
    /fontsource-variable[\\/]inter[\\/]/.test(id)
      ? code.replaceAll('font-display: swap', 'font-display: optional')
      : undefined,
}

/** Characters; smaller files are compiled where they run. */
const STREAMED = 30_000
/**
 * Of the large files nearly all is needed at once: said at their top, the browser compiles it while it still comes, beside the page's thread,
 * and not function by function when each is first called.
 */
const compiledAhead: Plugin = {
  name: 'compiled-ahead',
  applyToEnvironment: ({ name }) => name === 'client',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle))
      if (file.type === 'chunk' && file.code.length > STREAMED) file.code = `//# allFunctionsCalledOnLoad\n${file.code}`
  },
}
export default defineConfig({
  resolve: { alias: { '#outlines': writeOutlines() } },
  plugins: [
    patientFont,
    compiledAhead,
    tailwindcss(),
    sveltekit({
      // Compression on the fly belongs to whatever stands in front; assets are compressed once, here.
      adapter: adapter({ out: 'build', precompress: true }),
      compilerOptions: { runes: true },
      // A fresh nonce per page; no inline script or style runs without it, so text of a customer can never become code.
      csp: {
        mode: 'auto',
        directives: {
          'default-src': ['self'],
          'script-src': ['self'],
          'style-src': ['self'],
          // The one style attribute in a template: the element in which the framework announces page changes to screen readers.
          'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
          'img-src': ['self', 'data:', 'blob:'],
          'font-src': ['self'],
          'connect-src': ['self'],
          'worker-src': ['self'],
          'object-src': ['none'],
          'base-uri': ['none'],
          'form-action': ['self'],
          'frame-ancestors': ['none'],
        },
      },
    }),
  ],
  // The map's worker is a module of its own.
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    // The contracts make their schemas when loaded. The pages want types and a few words of them, so modules of which
    // nothing is used are left out, and the schema library with them (150 kB).
    rolldownOptions: {
      treeshake: { moduleSideEffects: [{ test: /crm-core[\\/]contracts|node_modules[\\/]zod/, sideEffects: false }] },
    },
  },
  environments: {
    client: {
      build: {
        rolldownOptions: {
          output: {
            codeSplitting: {
              // What several pages share comes in a few files, not in fifty: a phone that is far away pays for each request.
              groups: [
                {
                  name: 'base',
                  tags: ['$initial'],
                  priority: -1,
                  // But for the two entries, which the framework looks for by their files.
                  test: /node_modules[\\/](svelte|@sveltejs)[\\/](?!.*client[\\/](client-)?entry\.js)/,
                },
                {
                  name: 'frame',
                  tags: ['$initial'],
                  priority: -2,
                  test: NO_CHARTS,
                  minShareCount: 9,
                },
                // What small parts are merged with comes along wherever one of them is: those of forms and lists stand apart from those of
                // single pages.
                {
                  name: 'parts',
                  tags: ['$initial'],
                  priority: -3,
                  test: /src[\\/]lib[\\/](components|session|frame|state|settings[\\/](brand|accent))/,
                  minShareCount: 2,
                  entriesAware: true,
                  entriesAwareMergeThreshold: 16_000,
                },
                {
                  name: 'shared',
                  tags: ['$initial'],
                  priority: -4,
                  test: NO_CHARTS,
                  minShareCount: 2,
                  entriesAware: true,
                  entriesAwareMergeThreshold: 16_000,
                },
                // Apart from the others: small parts are merged by size, and a panel that lands in a file of the frame would bring
                // the charts to every page.
                {
                  name: 'charts',
                  tags: ['$initial'],
                  priority: -5,
                  minShareCount: 2,
                  entriesAware: true,
                  entriesAwareMergeThreshold: 10_000,
                },
              ],
            },
          },
        },
      },
    },
  },
  // The shared words are TypeScript sources: they are built in, not looked up at run time.
  ssr: { noExternal: ['@heliograph/crm-core'] },
})
