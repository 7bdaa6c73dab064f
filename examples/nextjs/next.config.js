// The page is a plain file of public/: Next.js hands it out as it is, at the address that is written here.
export default {
    async rewrites() {
        return [{ source: "/", destination: "/index.html" }];
    },
};
