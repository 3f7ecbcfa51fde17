import js from "@eslint/js";
import globals from "globals";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Imports point one way: pages → react → core, and element → core. */
const forbid = (folder, groups) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": ["error", { patterns: groups.map(([group, message]) => ({ group, message })) }],
  },
});
const reactFree = [
  ["react", "react-dom", "react/*", "react-dom/*"],
  "No React here: core and element must work without it.",
];

/** The words of the pages are in src/core/words, in every language. */
const WORDS = "Words that people see belong into src/core/words.";
const SPOKEN = "/^(alt|aria-label|aria-valuetext|hint|label|placeholder|title)$/";
const noWords = [
  // The name of the project is the same in every language.
  "JSXText[value=/^(?!\\s*SkySentry\\s*$)[^]*[A-Za-z]{2}/]",
  `JSXAttribute[name.name=${SPOKEN}] > Literal[value=/[A-Za-z]{2}/]`,
  `JSXAttribute[name.name=${SPOKEN}] > JSXExpressionContainer > Literal[value=/[A-Za-z]{2}/]`,
  `JSXAttribute[name.name=${SPOKEN}] TemplateElement[value.raw=/[A-Za-z]{2}/]`,
  ...["consequent", "alternate"].flatMap((field) => [
    `JSXAttribute[name.name=${SPOKEN}] ConditionalExpression > Literal.${field}[value=/[A-Za-z]{2}/]`,
    `:matches(JSXElement, JSXFragment) > JSXExpressionContainer > ConditionalExpression > Literal.${field}[value=/[A-Za-z]{2}/]`,
  ]),
  "Literal[value=/^[A-Z][a-z]+ [a-z]+/]",
  "TemplateElement[value.raw=/[A-Za-z]+ [a-z]+ [a-z]+/]",
].map((selector) => ({ selector, message: WORDS }));

export default defineConfig(
  globalIgnores(["dist", "coverage", "node_modules"]),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-console": "error",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_" }],
      eqeqeq: "error",
    },
  },
  forbid("core", [
    reactFree,
    [["**/react/**", "**/pages/**", "**/element/**"], "core imports only from core."],
  ]),
  forbid("element", [reactFree, [["**/react/**", "**/pages/**"], "element imports only from core."]]),
  forbid("react", [[["**/pages/**", "**/element/**"], "react imports only from core."]]),
  {
    files: ["src/{react,pages,element}/**/*.{ts,tsx}"],
    rules: { "no-restricted-syntax": ["error", ...noWords] },
  },
  {
    files: ["tests/**"],
    rules: {
      // Fakes have empty classes, pass mocks to expect(), and throw values that are not errors.
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    files: ["*.js", "tests/package/*.js"],
    languageOptions: { globals: globals.node },
    extends: [tseslint.configs.disableTypeChecked],
  },
);
