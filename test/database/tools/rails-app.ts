/** An app of Rails, in as few files as its migrations need. */
export const RAILS_APP = {
  "bin/rails": `#!/usr/bin/env ruby
APP_PATH = File.expand_path("../config/application", __dir__)
require "rails/commands"
`,
  Rakefile: 'require_relative "config/application"\nRails.application.load_tasks\n',
  "config/environment.rb": 'require_relative "application"\nRails.application.initialize!\n',
  "config/application.rb": `require "rails"
require "active_record/railtie"
module Shop
  class Application < Rails::Application
    config.root = File.expand_path("..", __dir__)
    config.eager_load = false
    config.logger = Logger.new(IO::NULL)
  end
end
`,
};

/** A migration of Rails, whose body is given. */
export function railsMigration(name: string, body: string, comment = ""): string {
  return `${comment === "" ? "" : `${comment}\n`}class ${name} < ActiveRecord::Migration[6.1]\n${body.replaceAll(/^/gm, "  ")}\nend\n`;
}
