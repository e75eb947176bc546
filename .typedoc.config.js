import { join } from 'node:path'
import { Converter } from 'typedoc'
import { entryPoints } from './.entry-points.js'

/** Calls each module what it is imported by, rather than where it lies. */
function nameModules({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { source, specifier } of entryPoints()) {
      const path = join(import.meta.dirname, source)
      project.children.find(({ sources }) => sources?.[0].fullFileName === path).name = specifier
    }
  })
}

/** Lets code in headings count for their anchors, which it does on GitHub, and not in typedoc. */
function countCode({ core }) {
  core.ruler.push('code-in-headings', ({ tokens }) => {
    for (const [index, { type }] of tokens.entries()) {
      if (type !== 'heading_open') continue
      for (const part of tokens[index + 1].children) {
        if (part.type === 'code_inline') part.children = [{ type: 'text', content: part.content }]
      }
    }
  })
}

/** The reference, with all pages: docs/testing.md#documentation. */
export default {
  plugin: [nameModules],
  markdownItLoader: countCode,
  name: 'linkstore',
  entryPoints: entryPoints().map(({ source }) => source),
  projectDocuments: ['docs/**/*.md'],
  out: 'dist/reference',
  excludeInternal: true,
  excludePrivate: true,
  hideGenerator: true,
  // Where a clone came from says nothing of where its sources can be seen.
  disableGit: true,
  sourceLinkTemplate: 'https://github.com',
  includeVersion: true,
  validation: {
    notExported: true,
    invalidLink: true,
    notDocumented: true,
    // Pages may lead to a directory. That it exists is tested with all other links.
    invalidPath: false,
  },
  intentionallyNotExported: ['CELL_SPACES'],
  treatWarningsAsErrors: true,
  // The types were checked before, with all the rest.
  skipErrorChecking: true,
}
