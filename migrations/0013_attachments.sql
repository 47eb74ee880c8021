-- What customers attach to their messages: names and the text that was found in them, never the files.

alter table messages add column attachments jsonb not null default '[]'; -- [{name, media_type, text}]
