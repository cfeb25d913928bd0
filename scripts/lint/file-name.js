/** Files are kebab-case nouns; a name that says nothing of its content is refused. */
import path from 'node:path';

const EMPTY_WORDS = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'misc',
  'types',
  'constants',
  'interfaces',
  'shared',
  'index',
]);

export const fileName = {
  meta: {
    type: 'problem',
    docs: { description: 'files are kebab-case and named for what they hold' },
    schema: [],
    messages: {
      kebab: '{{name}}: file names are kebab-case',
      empty: '{{name}} says nothing: name the file for the one thing it holds',
    },
  },
  create(context) {
    return {
      Program(node) {
        const name = path.basename(context.filename);
        const stem = name.replace(/(\.(test|config|bench|d))?\.[cm]?[jt]s$/, '');
        if (EMPTY_WORDS.has(stem)) context.report({ node, messageId: 'empty', data: { name } });
        else if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) {
          context.report({ node, messageId: 'kebab', data: { name } });
        }
      },
    };
  },
};
