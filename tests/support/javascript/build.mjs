// `node build.mjs FOLDER` bundles a page of each JavaScript client, FOLDER/v3.js, v4.js and v5.js, and one of bench/.
import { build } from "esbuild";

const REACT = { v3: 17, v4: 18, v5: 19 };

for (const page of ["v3", "v4", "v5", "v3-many"]) {
  const [version] = page.split("-");
  const react = REACT[version];
  await build({
    entryPoints: [`${page}.jsx`],
    outfile: `${process.argv[2]}/${page}.js`,
    bundle: true,
    minify: true,
    define: { "process.env.NODE_ENV": '"production"', "process.env": "{}" },
    alias: { "next-auth": `next-auth-${version}`, react: `react-${react}`, "react-dom": `react-dom-${react}` },
    logLevel: "warning",
  });
}
